"""Results of the use cases, a module for each; their fields are those of the JSON.

`RESULTS` names by schema the type of every answer, as `module:NAME`, and the verbs that give
it. A new one is a module with its type in it and a line here; it has its schema of itself.
"""

from __future__ import annotations

RESULTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "action": (
        "meta_experiment.types.results.action:ActionResult",
        ("promote", "rollback", "stop"),
    ),
    "admission": ("meta_experiment.types.results.admission:Admission", ("admit",)),
    "alerts": ("meta_experiment.types.results.alerts:AlertReport", ("monitor",)),
    "amendment": ("meta_experiment.types.results.amendment:AmendmentResult", ("amend",)),
    "analysis": (
        "meta_experiment.types.results.source_result:AnalysisAnswer",
        ("analyze",),
    ),
    "assignment": ("meta_experiment.types.results.assignment:AssignmentResult", ("assign",)),
    "auto": ("meta_experiment.types.results.auto:AutoResult", ("auto",)),
    "baseline": ("meta_experiment.types.results.baseline:UsageBaseline", ("baseline",)),
    "cases-check": ("meta_experiment.types.results.case_sets:CaseSetResult", ("cases check",)),
    "cases-mine": ("meta_experiment.types.results.case_mining:MiningResult", ("cases mine",)),
    "cases-split": ("meta_experiment.types.results.case_split:CaseSplit", ("cases split",)),
    "collection": (
        "meta_experiment.types.results.collection:CollectionAnswer",
        ("collect",),
    ),
    "completion": (
        "meta_experiment.types.results.completion:CompletionScript",
        ("completion",),
    ),
    "creation": ("meta_experiment.types.results.creation:Creation", ("create",)),
    "demo": ("meta_experiment.types.results.demo:DemoResult", ("demo",)),
    "explanation": ("meta_experiment.types.results.explanation:Explanation", ("explain",)),
    "forecast": ("meta_experiment.types.results.forecast:Preview", ("plan",)),
    "health": (
        "meta_experiment.types.results.health:Health",
        ("check", "doctor", "verify", "store check"),
    ),
    "holdout": ("meta_experiment.types.results.holdout:HoldoutAnswer", ("holdout",)),
    "import": ("meta_experiment.types.results.sums:ImportAnswer", ("import",)),
    "learning": ("meta_experiment.types.results.learning:LearningAnswer", ("learn",)),
    "manual": ("meta_experiment.types.results.manual:Manual", ("help",)),
    "noise": ("meta_experiment.types.results.noise:NoiseResult", ("noise",)),
    "notification": (
        "meta_experiment.types.results.notification:NotificationResult",
        ("notify",),
    ),
    "panic": ("meta_experiment.types.results.recovery:PanicResult", ("panic",)),
    "plugin-copy": ("meta_experiment.types.results.plugin_copy:PluginCopy", ("plugin",)),
    "rating": ("meta_experiment.types.results.rating:RatingResult", ("rate",)),
    "recording": ("meta_experiment.types.results.recording:RecordingResult", ("record",)),
    "recovery": ("meta_experiment.types.results.recovery:Recovery", ("recover",)),
    "repair": ("meta_experiment.types.results.recovery:RepairResult", ("repair",)),
    "report": ("meta_experiment.types.results.project_report:ReportAnswer", ("report",)),
    "run": ("meta_experiment.types.results.run:RunResult", ("run",)),
    "runs-diff": ("meta_experiment.types.results.run_difference:RunDifference", ("runs diff",)),
    "runs-judge": ("meta_experiment.types.results.run_judging:RunJudging", ("runs judge",)),
    "runs-list": ("meta_experiment.types.results.run_list:RunList", ("runs list",)),
    "runs-matrix": (
        "meta_experiment.types.results.run_matrix:MatrixResult",
        ("runs matrix",),
    ),
    "runs-merge": ("meta_experiment.types.results.run_merge:RunMerge", ("runs merge",)),
    "runs-pack": ("meta_experiment.types.results.run_parts:PackedRuns", ("runs pack",)),
    "runs-profile": ("meta_experiment.types.results.run_profile:RunProfile", ("runs profile",)),
    "runs-rate": ("meta_experiment.types.results.run_rating:RunRating", ("runs rate",)),
    "runs-replay": ("meta_experiment.types.results.replay:Replay", ("runs replay",)),
    "runs-export": (
        "meta_experiment.types.results.run_export:RunExport",
        ("runs export",),
    ),
    "runs-take": ("meta_experiment.types.results.run_parts:TakenRuns", ("runs take",)),
    "runs-show": ("meta_experiment.types.results.run_summary:RunSummary", ("runs show",)),
    "status": ("meta_experiment.types.results.board:BoardView", ("status",)),
    "status-change": (
        "meta_experiment.types.results.status_change:StatusChange",
        ("start", "pause", "resume", "archive"),
    ),
    "store-admission": (
        "meta_experiment.types.results.team_store:StoreAdmission",
        ("store admit",),
    ),
    "store-exchange": (
        "meta_experiment.types.results.team_store:StoreExchange",
        ("store ship",),
    ),
    "store-use": ("meta_experiment.types.results.team_store:StoreUse", ("store use",)),
    "store-view": ("meta_experiment.types.results.team_store:StoreView", ("store show",)),
    "workflows-darwin": (
        "meta_experiment.types.results.workflow_generation:GenerationPlan",
        ("workflows darwin",),
    ),
    "workflows-report": (
        "meta_experiment.types.results.workflow_report:WorkflowReport",
        ("workflows report",),
    ),
    "workflows-audit": (
        "meta_experiment.types.results.workflow_audit:WorkflowAudit",
        ("workflows audit",),
    ),
    "workflows-list": (
        "meta_experiment.types.results.workflow_list:WorkflowList",
        ("workflows list",),
    ),
    "workflows-pick": (
        "meta_experiment.types.results.workflow_pick:WorkflowPick",
        ("workflows pick",),
    ),
    "workflows-show": (
        "meta_experiment.types.results.workflow_view:WorkflowView",
        ("workflows show",),
    ),
    "telemetry-export": (
        "meta_experiment.types.results.telemetry_export:TelemetryExport",
        ("telemetry export",),
    ),
    "trials": ("meta_experiment.types.results.trial_page:TrialPage", ("trials",)),
}
