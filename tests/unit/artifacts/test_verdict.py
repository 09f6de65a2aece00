import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloche.artifacts.model import ArtifactState
from cloche.artifacts.reasons import Reason
from cloche.artifacts.verdict import SAMPLE_BYTES, Facts, Policy, Verdict, judge

CORPUS = Path(__file__).parents[2] / "data/artifacts"
EXPECTED = tomllib.loads((CORPUS / "expected.toml").read_text())
NO_CORPUS = {"make.py", "expected.toml"}
DEFAULT = Policy(max_bytes=8 << 20)


def facts_of(data: bytes, name: str, declared: str = "") -> Facts:
    head, tail = data[:SAMPLE_BYTES], data[-SAMPLE_BYTES:]
    return Facts(file_name=name, declared_type=declared, size_bytes=len(data), head=head, tail=tail)


def verdict_on(name: str, *, named: str = "", declared: str = "", policy: Policy = DEFAULT) -> Verdict:
    return judge(facts_of((CORPUS / name).read_bytes(), named or name, declared), policy)


def test_the_corpus_is_what_its_table_says() -> None:
    files = {path.name: path.stat().st_size for path in CORPUS.iterdir() if path.is_file()}
    assert files.keys() - NO_CORPUS == EXPECTED["reasons"].keys()
    assert len(EXPECTED["reasons"]) >= 60
    assert all(size < 20_000 for size in files.values()) and sum(files.values()) < 600_000


@pytest.mark.promise("every-file-has-a-verdict")
def test_each_file_of_the_corpus_gets_its_verdict() -> None:
    verdicts = {name: verdict_on(name) for name in EXPECTED["reasons"]}

    assert {name: list(verdict.reasons) for name, verdict in verdicts.items()} == EXPECTED["reasons"]
    assert {name: verdicts[name].media_type for name in EXPECTED["media_types"]} == EXPECTED["media_types"]
    for verdict in verdicts.values():
        assert verdict.state is (ArtifactState.QUARANTINED if verdict.reasons else ArtifactState.READY)


def test_every_reason_about_bytes_and_names_is_in_the_corpus() -> None:
    told = {reason for reasons in EXPECTED["reasons"].values() for reason in reasons}
    elsewhere = {"too_large", "declared_type_mismatch", "deceptive_name", "not_inspected"}
    assert told | elsewhere == {reason.value for reason in Reason} and not told & elsewhere


@pytest.mark.parametrize(
    ("name", "declared"),
    [
        ("page.pdf", "application/pdf"),
        ("page.pdf", "Application/PDF; charset=binary"),
        ("page.pdf", "application/octet-stream"),
        ("page.pdf", "application/vnd.nobody-knows"),
        ("formulas.csv", "text/csv; charset=utf-8"),
        ("formulas.csv", "text/plain"),
        ("formulas.csv", "application/vnd.ms-excel"),
        ("data.json", "application/json"),
        ("report.docx", "application/zip"),
        ("plain.zip", "application/x-zip-compressed"),
        ("plain.tar.gz", "application/x-gzip"),
        ("plain.tar.gz", "application/x-tar"),
        ("song.m4a", "audio/x-m4a"),
        ("picture.svg", "image/svg+xml"),
        ("picture.svg", "text/xml"),
    ],
)
def test_a_server_may_say_less_than_is_known(name: str, declared: str) -> None:
    assert verdict_on(name, declared=declared).reasons == ()


@pytest.mark.parametrize(
    ("name", "declared"),
    [
        ("page.pdf", "image/png"),
        ("canvas.png", "image/jpeg"),
        ("canvas.png", "text/plain"),
        ("canvas.png", "video/nobody-knows"),
        ("notes.txt", "text/html"),
        ("notes.txt", "text/javascript"),
        ("notes.txt", "application/pdf"),
        ("plain.zip", "application/java-archive"),
        ("plain.zip", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    ],
)
def test_a_server_that_says_otherwise_is_not_believed(name: str, declared: str) -> None:
    assert verdict_on(name, declared=declared).reasons == ("declared_type_mismatch",)


def test_a_declared_type_never_excuses_what_the_bytes_are() -> None:
    verdict = verdict_on("program-as.pdf", declared="application/pdf")
    assert verdict.reasons == ("type_not_allowed", "type_mismatch", "declared_type_mismatch", "executable")


def test_a_file_without_an_extension_is_what_its_bytes_are() -> None:
    assert verdict_on("page.pdf", named="page").reasons == ()
    assert verdict_on("program.exe", named="page").reasons == ("type_not_allowed", "executable")
    assert verdict_on("noise.bin", named="page").reasons == ("unknown_type",)


def test_an_extension_nobody_knows_is_not_allowed() -> None:
    assert verdict_on("notes.txt", named="notes.nobodyknows").reasons == ("extension_not_allowed",)


def test_an_empty_file_is_judged_by_its_name() -> None:
    assert verdict_on("empty.txt", named="empty.pdf").reasons == ()
    assert verdict_on("empty.txt", named="empty.exe").reasons == ("extension_not_allowed", "executable")


def test_a_file_past_the_limit_is_too_large() -> None:
    data = (CORPUS / "notes.txt").read_bytes()
    assert judge(facts_of(data, "notes.txt"), Policy(max_bytes=len(data))).reasons == ()
    assert judge(facts_of(data, "notes.txt"), Policy(max_bytes=len(data) - 1)).reasons == ("too_large",)


def test_a_deceptive_name_is_told() -> None:
    facts = replace(facts_of((CORPUS / "notes.txt").read_bytes(), "notes.txt"), name_was_deceptive=True)
    assert judge(facts, DEFAULT).reasons == ("deceptive_name",)


@pytest.mark.parametrize("word", ["html", "markup", ".html"])
def test_an_operator_may_allow_more(word: str) -> None:
    assert verdict_on("page-script.html", policy=Policy(allow=frozenset({word}))).reasons == ()


@pytest.mark.parametrize("word", ["pdf", "document", ".pdf"])
def test_an_operator_may_allow_less(word: str) -> None:
    policy = Policy(deny=frozenset({word}), allow=frozenset({word}))
    assert "type_not_allowed" in verdict_on("page.pdf", policy=policy).reasons


def test_allowing_programs_does_not_make_a_lie_true() -> None:
    policy = Policy(allow=frozenset({"exe"}))
    assert verdict_on("program.exe", policy=policy).reasons == ()
    assert verdict_on("program-as.pdf", policy=policy).reasons == ("type_mismatch",)


def test_an_extension_of_ones_own_may_be_allowed() -> None:
    assert verdict_on("noise.bin", policy=Policy(allow=frozenset({".bin"}))).reasons == ()


def test_what_cannot_be_seen_may_be_let_out() -> None:
    policy = Policy(allow_unseen=True)
    assert verdict_on("closed.7z", policy=policy).reasons == ()
    assert verdict_on("program.zip", policy=policy).reasons == ("archive_with_executable",)


@settings(max_examples=150)
@given(
    st.one_of(st.binary(max_size=600), st.sampled_from(sorted(EXPECTED["reasons"]))),
    st.data(),
    st.text(max_size=30),
    st.text(max_size=30),
)
def test_no_bytes_and_no_names_are_too_strange(
    source: bytes | str, data: st.DataObject, name: str, declared: str
) -> None:
    body = bytearray((CORPUS / source).read_bytes() if isinstance(source, str) else source)
    for at in data.draw(st.lists(st.integers(0, max(len(body) - 1, 0)), max_size=8)):
        body[at : at + 1] = data.draw(st.binary(max_size=8))
    cut = data.draw(st.integers(0, len(body)))
    size = data.draw(st.one_of(st.just(len(body)), st.integers(-5, 1 << 40)))
    facts = Facts(
        file_name=name, declared_type=declared, size_bytes=size, head=bytes(body[:cut]), tail=bytes(body[cut:])
    )

    verdict = judge(facts, DEFAULT)

    order = [reason.value for reason in Reason]
    assert list(verdict.reasons) == sorted(verdict.reasons, key=order.index)
    assert (verdict.state is ArtifactState.READY) == (not verdict.reasons)


def test_a_page_in_xml_may_be_called_a_page() -> None:
    assert verdict_on("page.xhtml", named="page.html").reasons == ("type_not_allowed", "extension_not_allowed")


def test_a_text_may_tell_of_scripts() -> None:
    data = b"In PHP one writes <?php, and in a page <script>; see #! for others.\n"
    assert judge(facts_of(data, "notes.txt"), DEFAULT).reasons == ()
