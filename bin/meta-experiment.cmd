@echo off
rem Windows itself has neither the locks nor the processes that the program rests on.
echo Error: meta-experiment runs on Linux and macOS, not on Windows itself. 1>&2
echo Next:  On Windows it runs within WSL: docs/install.md 1>&2
exit /b 1
