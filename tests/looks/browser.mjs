// Opens pages in one Chromium and says, as a line of JSON a page, what of them is amiss.
// The task comes as JSON on stdin; tests/looks/browser.py writes it and reads the answers.
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { text } from "node:stream/consumers";
import { inspect, openAll, rememberFocus, forgetFocus } from "./in_page.mjs";

const task = JSON.parse(await text(process.stdin));
const packages = createRequire(`${task.packages}/`);
const puppeteer = packages("puppeteer-core");
const axe = readFileSync(packages.resolve("axe-core/axe.min.js"), "utf8");
const A4 = 688; // pixels between its margins of 14 mm
let drawn = Promise.resolve(); // the last picture

const browser = await puppeteer.launch({
  executablePath: task.chromium,
  args: ["--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--font-render-hinting=none",
         "--force-color-profile=srgb", "--lang=en", "--allow-file-access-from-files"],
  protocolTimeout: 100_000,
});
const left = [...task.pages];
await Promise.all(Array.from({ length: task.tabs }, async () => {
  for (let page; (page = left.shift()); ) {
    process.stdout.write(JSON.stringify(await looked(page)) + "\n");
  }
}));
await browser.close();

async function looked(page) {
  const faults = [];
  const say = (where, kind, said) => faults.push({ where, kind, said: String(said).replace(/[\s\u0000-\u001f\u202a-\u202e\u2066-\u2069]+/g, " ").slice(0, 300) });
  const tab = await browser.newPage();
  const channel = await tab.createCDPSession();
  await channel.send("Emulation.setFocusEmulationEnabled", { enabled: true });
  await watch(tab, channel, page, say);
  const start = performance.now();
  await tab.goto(page.url, { waitUntil: "load" });
  const opened = performance.now() - start;
  const printed = page.print ? await print(tab, page.print, say) : null;
  for (const view of page.views) {
    if (view.shot) {
      await show(tab, view);
      await shoot(tab, view.shot, view.tall);
    }
  }
  if (page.views.some((view) => view.check)) {
    await tab.evaluate(axe);
    await tab.evaluate(openAll);
  }
  for (const view of page.views.filter((each) => each.check)) {
    await check(tab, view, `${view.width} ${view.scheme}`, say);
  }
  await tab.close();
  return { name: page.name, faults, printed, opened };
}

// what no page may do, whatever it holds
async function watch(tab, channel, page, say) {
  tab.on("dialog", (dialog) => (say("", "dialog", dialog.message()), dialog.dismiss()));
  tab.on("pageerror", (error) => say("", "script", error.message));
  tab.on("console", (line) => say("", "console", line.text()));
  tab.on("request", (request) => {
    const url = request.url();
    if (url.startsWith("data:") || (page.site ? url.startsWith("file:") : url === page.url)) return;
    say("", "request", url);
  });
  if (page.site) return;
  let scripts = 0;
  channel.on("Debugger.scriptParsed", ({ url }) => {
    if (url && !url.startsWith("pptr:") && ++scripts > page.scripts) say("", "script", url);
  });
  await channel.send("Debugger.enable");
}

async function show(tab, { width, scheme }) {
  await tab.emulateMediaType("screen");
  await tab.emulateMediaFeatures([
    { name: "prefers-color-scheme", value: scheme },
    { name: "prefers-reduced-motion", value: "reduce" },
  ]);
  await tab.setViewport({ width, height: 900 });
}

// one after the other, as only the tab in front is drawn
function shoot(tab, ...picture) {
  return (drawn = drawn.then(() => shootNow(tab, ...picture)));
}

async function shootNow(tab, path, tall) {
  await tab.bringToFront();
  const height = await tab.evaluate(() => document.documentElement.scrollHeight);
  const { width } = tab.viewport();
  await tab.screenshot({
    path, type: path.endsWith("png") ? "png" : "webp",
    ...(path.endsWith("png") ? {} : { quality: task.quality }),
    captureBeyondViewport: true, clip: { x: 0, y: 0, width, height: Math.min(height, tall) },
  });
}

async function print(tab, { folder, first }, say) {
  await tab.emulateMediaType("print");
  await tab.setViewport({ width: A4, height: 1017 });
  for (const [kind, said] of await tab.evaluate(inspect)) say("A4", kind, said);
  const bytes = await tab.pdf({ preferCSSPageSize: true, format: "A4", printBackground: true });
  const pdfium = await (await import(packages.resolve("@hyzyla/pdfium"))).PDFiumLibrary.init();
  const document = await pdfium.loadDocument(bytes);
  const count = document.getPageCount();
  for (let number = 0; folder && number < Math.min(first, count); number++) {
    const { data, width, height } = await document.getPage(number).render({ scale: 1.2, render: "bitmap" });
    const drawn = await tab.evaluate(encoded, Buffer.from(data).toString("base64"), width, height, task.quality);
    writeFileSync(`${folder}-${number + 1}.webp`, Buffer.from(drawn, "base64"));
  }
  document.destroy();
  pdfium.destroy();
  return count;
}

// a bitmap as WebP
async function encoded(base64, width, height, quality) {
  const bytes = Uint8ClampedArray.from(atob(base64), (sign) => sign.charCodeAt(0));
  const canvas = new OffscreenCanvas(width, height);
  canvas.getContext("2d").putImageData(new ImageData(bytes, width, height), 0, 0);
  const blob = await canvas.convertToBlob({ type: "image/webp", quality: quality / 100 });
  let said = "";
  for (const byte of new Uint8Array(await blob.arrayBuffer())) said += String.fromCharCode(byte);
  return btoa(said);
}

async function check(tab, view, where, say) {
  await show(tab, view);
  for (const [kind, said] of await tab.evaluate(inspect)) say(where, kind, said);
  const violations = !view.colours && !view.structure ? [] : await tab.evaluate(async ({ colours, structure }) => {
    const large = { expected: 4.5 };
    axe.configure({ checks: [{ id: "color-contrast",
      options: { contrastRatio: { normal: { expected: 4.5 }, large } } }] });
    const asked = structure
      ? { rules: { "target-size": { enabled: true }, "color-contrast": { enabled: colours } } }
      : { runOnly: ["color-contrast"] };
    return (await axe.run(document, { resultTypes: ["violations"], ...asked })).violations;
  }, view);
  for (const { id, impact, nodes } of violations) {
    say(where, `axe ${id}`, `${impact}, ${nodes.length} nodes: ${nodes[0].html} ${nodes[0].failureSummary}`);
  }
  if (view.structure) {
    const controls = await tab.evaluate(rememberFocus);
    for (let step = 0; step <= controls; step++) await tab.keyboard.press("Tab");
    for (const said of await tab.evaluate(forgetFocus)) say(where, "keyboard", said);
  }
}
