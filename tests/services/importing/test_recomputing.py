"""Documents of feature-flag experiments: computed anew, exported again, believed in nothing."""

import json
from pathlib import Path

import pytest
from tests.published import Cases

from meta_experiment.cli.main import main
from meta_experiment.errors import MetaExperimentError
from meta_experiment.services.importing.recomputing import recompute
from meta_experiment.sources.results.source_sums import parse

CASES = Cases(Path(__file__).parents[2] / "stats" / "published_figures.json")


def computed(document, **flags):
    asked = {"metric": None, "direction": None, "control": None, "treatments": ()} | flags
    return recompute(parse(document, "in.json"), "in.json", **asked, as_of=1.7e9)


def row(found, metric="primary_metric"):
    return getattr(found.result, metric).rows[1]


def sums(control, treatment, **more):
    return {"metrics": {"signup": {"control": control, "treatment": treatment, **more}}}


def test_the_published_example_is_computed_and_its_own_result_is_not_believed():
    """featbit-05 as a document: the right figures, and each printed one that differs."""
    inputs, expected = CASES.case("featbit-05")
    printed = CASES["featbit-05"]["printed"]
    found = computed(sums(inputs["control"], inputs["treatment"]))
    shown = row(found)
    right = {
        "rel_delta": expected["rel_delta"], "ci_lower": expected["ci"][0],
        "ci_upper": expected["ci"][1], "p_win": expected["p_win"],
        "risk_ctrl": expected["risk_ctrl"], "risk_trt": expected["risk_trt"],
    }  # fmt: skip
    for name, value in right.items():
        assert getattr(shown, name) == pytest.approx(value, abs=1e-5)
    assert found.result.srm.chi2_p_value == pytest.approx(expected["srm_p"], abs=1e-5)
    stated = {
        "type": "bayesian_ab", "control": "control", "treatments": ["treatment"],
        "srm": {"chi2_p_value": printed["srm_p"], "ok": True},
        "primary_metric": {"event": "signup", "verdict": "strong signal", "rows": [
            {"variant": "control", "n": 487, "conversions": 41, "rate": 0.084189},
            {"variant": "treatment", "n": 513, "conversions": 67, "rate": 0.130604,
             "rel_delta": 0.551324, "p_win": printed["p_win"], "risk_trt": printed["risk_trt"]},
        ]},
    }  # fmt: skip
    again = computed(stated)
    assert row(again) == shown
    assert [item.place for item in again.differences] == [
        "srm, chi2_p_value",
        "primary_metric, verdict",
        "primary_metric, treatment, p_win",
        "primary_metric, treatment, risk_trt",
    ]


def test_a_prior_of_the_record_is_one_of_the_lift():
    """featbit-09: the conjugate update, from a record whose sums lie as text."""
    inputs, expected = CASES.case("featbit-09")
    record = {
        "slug": "chat", "controlVariant": "off", "treatmentVariant": "on", "minimumSample": 500,
        "priorProper": True, "priorMean": 0, "priorStddev": 0.3,
        "inputData": json.dumps(
            {"metrics": {"a": {"off": inputs["control"], "on": inputs["treatment"]}}}
        ),
    }  # fmt: skip
    found = row(computed(record))
    assert found.rel_delta == pytest.approx(expected["rel_delta"], abs=1e-5)
    assert found.p_win == pytest.approx(expected["p_win"], abs=1e-5)
    assert found.risk_trt == pytest.approx(expected["risk_trt"], abs=1e-5)


@pytest.mark.parametrize("older", [False, True])
def test_a_bandits_result_is_computed_from_the_counts_of_its_arms(older):
    """featbit-46: .18 and .82 as printed are .10 and .90 by the counts; in both spellings."""
    inputs, expected = CASES.case("featbit-46")
    arms = [
        {"arm": name, "n": n, "conversions": k}
        for name, (k, n) in zip(("control", "treatment"), inputs["arms"], strict=True)
    ]
    printed = dict(zip(("control", "treatment"), expected["published_p_best"], strict=True))
    stated = {"type": "bandit", "metric": "signup", "arms": arms} | (
        {"best_arm_probabilities": printed, "srm_p_value": 1.0}
        if older
        else {
            "thompson_sampling": {
                "results": [{"arm": name, "p_best": p} for name, p in printed.items()]
            }
        }
    )
    found = computed(stated)
    assert list(found.result.best.values()) == pytest.approx(expected["p_best"], abs=0.002)
    assert [item.place for item in found.differences] == [
        "P(best), control",
        "P(best), treatment",
    ]
    del stated["arms"]
    with pytest.raises(MetaExperimentError, match="without rows of counts"):
        computed(stated)


def test_sums_are_exported_as_they_were_read():
    """Counts, inverse events and moments survive being read and written."""
    document = sums({"n": 487, "k": 41}, {"n": 513, "k": 67})
    document["metrics"]["latency"] = {
        "inverse": True,
        "control": {"n": 487, "mean": 120.0, "variance": 81.0},
        "treatment": {"n": 513, "mean": 118.0, "variance": 64.0},
    }
    found = computed(document)
    assert computed(found.input_data).result == found.result
    assert found.input_data["metrics"]["signup"] == document["metrics"]["signup"]
    assert found.input_data["metrics"]["latency"] == document["metrics"]["latency"]
    assert [item.event for item in found.result.guardrails] == ["latency"]
    assert found.result.guardrails[0].inverse


def test_lower_is_better_swaps_chances_and_risks_and_no_interval():
    """Of an inverse event a lower rate wins; lift and interval are those of the rates."""
    arms = {"n": 500, "k": 60}, {"n": 500, "k": 40}
    plain, turned = row(computed(sums(*arms))), row(computed(sums(*arms, inverse=True)))
    assert (turned.rel_delta, turned.ci_lower) == (
        pytest.approx(plain.rel_delta),
        pytest.approx(plain.ci_lower),
    )
    assert turned.p_win == pytest.approx(1 - plain.p_win)
    assert turned.risk_trt == pytest.approx(plain.risk_ctrl)
    assert turned.p_harm == pytest.approx(plain.p_win)


def test_one_look_and_no_evidence_that_holds_at_more():
    """Always-valid ends are not known of sums, and equal arms reach P once in 1/(1 - P)."""
    found = row(computed(sums({"n": 500, "k": 40}, {"n": 500, "k": 60})))
    assert found.anytime_lower is found.anytime_upper is None
    assert found.reached_by_equal_arms == pytest.approx(1 - found.chance_better, abs=1e-6)


def test_an_unchanged_guardrail_is_no_alarm():
    """featbit-06 as a document: equal for all one can see is undetermined, and never ALARM."""
    document = sums({"n": 487, "k": 41}, {"n": 513, "k": 67})
    document["metrics"]["chat"] = {
        "control": {"n": 487, "k": 38},
        "treatment": {"n": 513, "k": 41},
    }
    (guard,) = computed(document).result.guardrails
    assert guard.state == "undetermined"
    assert guard.rows[1].p_harm == pytest.approx(0.456357, abs=1e-5)


def test_a_control_without_conversions_does_not_stop_it():
    """k = 0: a difference and a chance, no relative lift."""
    found = row(computed(sums({"n": 50, "k": 0}, {"n": 50, "k": 9})))
    assert found.rel_delta is None
    assert found.chance_better > 0.99
    assert found.p_win == found.chance_better


def test_planned_shares_are_the_record_s():
    """90 to 10 as planned is fine; against equal shares the data answer nothing."""
    document = sums({"n": 900, "k": 90}, {"n": 100, "k": 30})
    assert computed(document).result.reason_code == "sample_ratio_mismatch"
    slight = computed(sums({"n": 545, "k": 90}, {"n": 455, "k": 130}))
    assert slight.result.reason_code == "sample_ratio_mismatch"  # p = 0.004 at this one look
    planned = computed({"inputData": document, "weights": {"control": 9, "treatment": 1}})
    assert planned.result.srm.ok
    assert planned.result.decision == "PROMOTE"


def test_fewer_units_than_the_minimum_decide_nothing():
    """Below it the answer is to wait, however good it looks."""
    few = computed(
        {"inputData": sums({"n": 50, "k": 5}, {"n": 50, "k": 45}), "minimumSample": 60}
    )
    assert (few.result.decision, few.result.sample_check.ok) == ("EXTEND", False)


@pytest.mark.parametrize(
    ("document", "flags"),
    [
        (sums({"n": 9, "k": 1}, {"n": 9, "k": 2}), {"metric": "other"}),
        (sums({"n": 9, "k": 1}, {"n": 9, "k": 2}), {"control": "other"}),
        (sums({"n": 9, "k": 1}, {"n": 9, "k": 2}, inverse=True), {"direction": "higher"}),
        ({"metrics": {"a": {"x": {"n": 9, "k": 1}, "y": {"n": 9, "k": 2}}}}, {}),
        (
            {"inputData": sums({"n": 9, "k": 1}, {"n": 9, "k": 2}), "guardrailEvents": '["b"]'},
            {},
        ),
        ({"inputData": sums({"n": 9, "k": 1}, {"n": 9, "k": 2}), "treatmentVariant": "b"}, {}),
        (
            {"inputData": sums({"n": 9, "k": 1}, {"n": 9, "k": 2}), "weights": {"control": 0}},
            {},
        ),
        (
            {
                "inputData": sums({"n": 9, "k": 1}, {"n": 9, "k": 2}),
                "priorProper": True,
                "priorStddev": 0,
            },
            {},
        ),
    ],
)
def test_what_does_not_belong_together_is_refused(document, flags):
    """Another event, variant, direction, guardrail, weight or prior than there can be."""
    with pytest.raises(MetaExperimentError):
        computed(document, **flags)


@pytest.mark.long
def test_an_analysis_goes_out_and_comes_back(tmp_path, monkeypatch, capsys):
    """An experiment's result and sums by the command line, imported again: the same figures."""
    monkeypatch.chdir(tmp_path)
    rows = ["variant,success"]
    rows += [f"control,{int(i % 3 == 0)}\ntreatment,{int(i % 2 == 0)}" for i in range(40)]
    Path("rows.csv").write_text("\n".join(rows))
    main(["import", "rows.csv", "--json"])
    name = json.loads(capsys.readouterr().out)["experiment_id"]
    written, again = {}, {}
    for form in ("analysis_result", "input_data"):
        assert main(["analyze", name, "--as", form]) == 0
        Path(f"{form}.json").write_text(capsys.readouterr().out)
        written[form] = json.loads(Path(f"{form}.json").read_text())
        assert main(["import", f"{form}.json", "--json"]) == 0
        again[form] = json.loads(capsys.readouterr().out)
    stated = written["analysis_result"]["primary_metric"]["rows"][1]
    for found in again.values():
        assert found["input_data"] == written["input_data"]
        row = found["result"]["primary_metric"]["rows"][1]
        for figure in ("n", "conversions", "rel_delta", "ci_lower", "p_win", "risk_trt"):
            assert row[figure] == pytest.approx(stated[figure])
    assert written["analysis_result"]["plan_digest"]
    assert main(["import", "input_data.json", "--map", "variant=arm"]) == 2
    assert "no trials" in capsys.readouterr().err
