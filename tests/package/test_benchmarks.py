"""The benchmarks: their pure functions, and that each rival computes what the oracle does."""

import doctest
import io
import json
from dataclasses import asdict, replace
from importlib import import_module

import numpy as np
import pytest
from rich.console import Console

import reference
from benchmarks import __main__ as command
from benchmarks import growth, growth_figure, processes, report, settings, timing, verdicts, worker
from benchmarks.data import make
from benchmarks.implementations import prepared
from benchmarks.implementations.broadcast import pairwise_distance
from reference.gradients import alpha_gradient, beta_gradient, coulomb_gradient

MODULES = ["agreement", "growth", "machine", "memory", "report", "timing", "verdicts", "implementations.election"]
FAISS = "FAISS"  # in no extra that the tests install


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_in_docstrings_hold(name):
    results = doctest.testmod(import_module(f"benchmarks.{name}"))
    assert results.attempted > 0
    assert results.failed == 0


def small(name):
    (setting,) = [one for one in settings.settings() if one.name == name]
    return settings.without(settings.reduced(setting), [FAISS, "broadcast, XLA"])


@pytest.mark.parametrize("norm", settings.NORMS)
def test_every_rival_and_ours_look_up_what_the_oracle_does(norm):
    setting = small(f"vqvae-lookup-{norm}")
    data = make(setting)
    oracle = reference.vector_quantization(data.vectors[None], data.emb_space, lookup_ord=setting.lookup_ord)
    for name in ("ours", *setting.rivals):
        (emb_index,) = prepared(name, setting)(data)()
        np.testing.assert_array_equal(emb_index, oracle.emb_index.ravel())


@pytest.mark.parametrize("norm", settings.NORMS)
def test_the_distances_of_the_formula_are_the_oracles(norm):
    data = make(small(f"published-lookup-{norm}"))
    oracle = reference.distances.pairwise_distance(data.vectors[None], data.emb_space, settings.NORMS[norm])
    formula = pairwise_distance(data.vectors, data.emb_space, settings.NORMS[norm])
    np.testing.assert_allclose(formula, oracle[0], rtol=1e-6)


@pytest.mark.parametrize("name", ["published-training-L1", "coulomb-training"])
def test_the_training_steps_give_the_oracles_gradients(name):
    setting = small(name)
    data, norm = make(setting), setting.lookup_ord
    emb_index = reference.vector_quantization(data.vectors[None], data.emb_space, lookup_ord=norm).emb_index.ravel()
    vectors, emb_space = data.vectors.astype(float), data.emb_space.astype(float)
    to_emb_space = alpha_gradient(vectors, emb_space, emb_index, norm, settings.ALPHA)
    to_emb_space += beta_gradient(vectors, emb_space, norm, settings.BETA)
    to_emb_space += coulomb_gradient(emb_space, norm, setting.gamma)
    for implementation in ("ours", "broadcast"):
        gradients = prepared(implementation, setting)(data)()
        np.testing.assert_array_equal(gradients[0], data.upstream)
        np.testing.assert_allclose(gradients[1], to_emb_space, rtol=1e-4, atol=1e-9)


def test_every_rival_and_ours_elect_what_the_oracle_does():
    setting = replace(small("knn-vote"), n=400)
    data = make(setting)
    oracle = reference.cosine_knn_vector_quantization(
        data.x[:, None], data.emb_labels, settings.NUM_CLASSES, settings.K, data.emb_space
    )
    for name in ("ours", *setting.rivals):
        (emb_index,) = prepared(name, setting)(data)()
        np.testing.assert_array_equal(emb_index, oracle.emb_index.ravel())


def times(median):
    return {"first": 10 * median, "median": median, "lower": median, "upper": median, "calls": 3}


def result(rival="broadcast", ours=0.01, peak=100.0, agreement=1.0):
    return {
        "times": {"ours": times(ours), rival: times(0.3), "ceiling": times(0.02)},
        "agreement": {rival: agreement},
        "operations": {"ours": 100, "ceiling": 400},
        "memory": {name: {"over_import": peak, "over_data": peak} for name in ("ours", rival)},
        "vectors": 65_536,
        "embeddings": 1024,
        "d": 4,
        "ceiling": "loop",
        "targets": {rival: 25},
        "memory_limit": 150,
    }


def grown(power, memory=(50.0, 50.0)):
    sizes = [2**i for i in range(10, 16)]
    return {
        "size": "vectors",
        "sizes": sizes,
        "times": [times(1e-6 * size**power) for size in sizes],
        "memory_sizes": [1024, 32_768],
        "memory": [{"over_import": peak, "over_data": peak} for peak in memory],
    }


MACHINE = {"date": "2000-01-01", "cpu": "A 9000", "cores": 2, "memory_gb": 8.0, "load_at_start": 0.0, "python": "3"}
RESULTS = {
    "machine": {**MACHINE, "versions": {"numpy": "2"}},
    "settings": {"fast": result(), "slow": result("broadcast, XLA", ours=0.1, peak=200.0, agreement=0.5)},
    "series": {"growth-linear": grown(1.0), "growth-square": grown(2.0, memory=(1.0, 32.0))},
}


def test_targets_are_compared_with_what_was_measured():
    assert verdicts.summary(RESULTS) == [
        "4 of 8 targets met",
        "missed: slow, broadcast, XLA: 3, not ≥ 25",
        "missed: slow, ours: 200, not ≤ 150 MB",
        "missed: growth-square, time: 2, not 0.9…1.1",
        "missed: growth-square, memory: 1, not ≤ 0.1",
        "broadcast, XLA finds something else: slow",
    ]


def test_the_rate_is_compared_with_the_ceilings():
    assert verdicts.share_of_ceiling(result(), "ours") == pytest.approx((100 / 0.01) / (400 / 0.02))


def printed(table):
    text = io.StringIO()
    Console(width=80, file=text).print(table)
    return text.getvalue()


def words(line):
    return " ".join(line.split())


def test_the_tables_fit_eighty_columns():
    first, second, last = report.sections(RESULTS)
    *_, ours, rival = printed(report.rich_table(second)).splitlines()
    assert words(ours) == "ours 100 ±0% 1.00 ≤ 150 MB missed 200 1.00 5%"
    assert words(rival) == "broadcast, XLA 300 ±0% 3.00 ≥ 25 missed 200 3.00 50% 2%"
    title, *_, ours, rival = printed(report.rich_table(first)).splitlines()
    assert title.strip() == "fast: 65,536 vectors of 4, 1,024 embeddings; loop 0 Gop/s"
    assert words(ours) == "ours 10 ±0% 1.00 ≤ 150 MB met 100 0.10 50%"
    assert words(rival) == "broadcast 300 ±0% 30.00 ≥ 25 met 100 3.00 100% 2%"
    *_, linear, square = printed(report.rich_table(last)).splitlines()
    assert linear.split() == [
        "linear",
        "1,024…32,768",
        "1.00",
        "0.9…1.1",
        "met",
        "0.00",
        "≤",
        "0.1",
        "met",
        "50,",
        "50",
    ]
    assert square.split() == [
        "square",
        "1,024…32,768",
        "2.00",
        "0.9…1.1",
        "missed",
        "1.00",
        "≤",
        "0.1",
        "missed",
        "1,",
        "32",
    ]


def test_the_tables_take_the_place_of_those_before(tmp_path):
    page = tmp_path / "README.md"
    page.write_text(f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n")
    for _ in range(2):
        report.write_between_marks(page, report.markdown(RESULTS))
    text = page.read_text()
    assert text.startswith(f"before\n{report.BEGIN}\n\n- 2000-01-01, A 9000, 2 cores used")
    assert text.endswith(f"\n{report.END}\nafter\n")
    assert "old" not in text
    assert text.count("| broadcast | 300 ±0% | 30.00 | ≥ 25 met | 100 | 3.00 | 100% | 2% |") == 1


def test_the_readme_has_the_place_for_the_tables():
    text = command.README.read_text()
    assert text.count(report.BEGIN) == text.count(report.END) == 1


def test_the_picture_of_the_growth_is_drawn(tmp_path):
    growth_figure.draw(RESULTS["series"]).savefig(tmp_path / "growth.png")
    assert (tmp_path / "growth.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("power", [0.0, 1.0, 1.5])
def test_the_exponent_of_a_power_is_found_where_small_sizes_cost_the_same(power):
    sizes = [2**i for i in range(10)]
    seconds = [max(size**power, 16**power) for size in sizes]
    assert growth.exponent(sizes, seconds) == pytest.approx(power)


def test_all_take_turns_and_all_calls_count():
    order = []
    seconds = timing.take_turns({name: lambda name=name: order.append(name) for name in "ab"}, budget=0.0)
    assert {name: len(own) for name, own in seconds.items()} == dict.fromkeys("ab", 30)
    assert "".join(order[2:]) == (10 * "a" + 10 * "b") * 3


def test_every_size_of_a_series_differs_and_the_largest_is_measured_for_memory():
    for series in growth.all_series():
        for one in (series, growth.reduced_series(series)):
            sizes = one.sizes(one.points)
            assert sizes == sorted(set(sizes))
            assert one.memory_points[-1] == one.points[-1]


@pytest.fixture
def unpinned(monkeypatch):
    monkeypatch.setattr(command.machine, "pin_to_cores", lambda _count: None)


@pytest.mark.slow
@pytest.mark.usefixtures("unpinned")
def test_a_quick_run_prints_tables_and_writes_the_results(tmp_path, capsys):
    arguments = ["--quick", "--only", "small-call", "--only", "growth-embeddings-4", "--out", str(tmp_path)]
    assert command.main(arguments, ask=worker.answer) == 0
    shown = capsys.readouterr().out
    assert "small-call: 8 vectors of 64, 48 embeddings" in shown
    assert "embeddings-4" in shown
    assert sorted(path.name for path in tmp_path.iterdir()) == ["growth.png", "results.json"]
    results = json.loads((tmp_path / "results.json").read_text())
    assert results["settings"]["small-call"]["agreement"] == {"broadcast": 1.0}
    assert command.main(["--show", str(tmp_path / "results.json")]) == 0
    assert capsys.readouterr().out == shown


def test_a_rival_that_is_not_installed_is_a_one_line_error(monkeypatch, capsys):
    monkeypatch.setattr(command, "find_spec", lambda name: None if name == "faiss" else name)
    assert command.main(["--only", "knn-vote"]) == 1
    assert capsys.readouterr().err == "error: FAISS: not installed; pip install '.[bench]', or give --without FAISS\n"


def test_a_page_takes_only_a_full_run(capsys):
    with pytest.raises(SystemExit):
        command.main(["--readme", "--quick"])
    assert "full run" in capsys.readouterr().err


@pytest.mark.process
def test_a_process_of_its_own_measures_memory():
    setting = replace(small("vqvae-lookup-L1"), batch=(1024, 64), n=1024)
    peak = processes.ask("peak_memory", setting=asdict(setting), implementation="SciPy")
    assert 8 < peak["over_data"] < 16  # the distances: 1024² float64, of 8.4 MB
    assert peak["over_import"] > peak["over_data"]


@pytest.mark.process
def test_a_process_that_fails_says_why():
    with pytest.raises(processes.BenchmarkError, match=r"peak_memory vqvae-lookup-L1 none: [\s\S]*KeyError: 'none'"):
        processes.ask("peak_memory", setting=asdict(small("vqvae-lookup-L1")), implementation="none")
