"""Attacks on what handles a hand-in outside the sandbox, each with the tests that try it.

`make attacks` runs them and prints what came of each.
"""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import dataclass

from tests import ordinary

_PASSED = re.compile(r"^PASSED (\S+?)(?:\[|$| )", re.MULTILINE)
_OTHER = re.compile(r"^(?:FAILED|ERROR) (\S+?)(?:\[|$| )", re.MULTILINE)


@dataclass(frozen=True)
class Outside:
    tries: str
    tests: tuple[str, ...]  # as pytest names them


READING, SERVER = "tests/autograder/reading", "tests/server"
OUTSIDE = {
    "a member that grows": Outside(
        "a zip's member, packed in a way that is not bounded, becomes gigabytes",
        (
            f"{READING}/test_reader.py::test_an_archive_bomb_goes_off_in_nobodys_memory",
            f"{SERVER}/test_security.py::test_a_zip_bomb_costs_nothing",
        ),
    ),
    "answers of any shape": Outside(
        "in a training run, tensors of the submission's choice are given to the reference",
        (
            "tests/autograder/training/test_training_hostile.py"
            "::test_the_reference_meets_only_what_it_met_in_its_own_run",
            "tests/autograder/test_budget.py"
            "::test_what_takes_too_long_is_a_verdict_and_so_is_all_that_follows",
        ),
    ),
    "outputs of a notebook": Outside(
        "invalid outputs and one id for all cells keep threads and log busy",
        (
            f"{READING}/test_hungry.py"
            "::test_what_is_made_to_cost_ends_and_leaves_the_reader_as_it_was",
            f"{SERVER}/test_reading.py::test_one_user_has_two_hand_ins_read_at_a_time",
        ),
    ),
    "codecs of Python's": Outside(
        "a coding line asks for a codec that is quadratic, or raises",
        (
            f"{READING}/test_growth.py::test_a_notebook_or_an_archive_costs_no_more_than_n_log_n",
            f"{SERVER}/test_reading.py::test_too_much_is_one_sentence",
        ),
    ),
    "much of anything": Outside(
        "blanks, names, brackets, magics, cells: a square of them, and nobody else is found",
        (
            f"{READING}/test_growth.py::test_a_script_costs_no_more_than_n_log_n",
            f"{READING}/test_hungry.py"
            "::test_nobody_hides_from_the_search_or_from_the_page_by_making_it_costly",
            f"{SERVER}/test_growth.py::test_a_file_through_every_door",
        ),
    ),
    "bindings without end": Outside(
        "names that stand for names turn the source policy off",
        (
            "tests/policy/test_scan.py"
            "::test_following_names_costs_no_more_than_there_are_expressions",
            "tests/policy/test_scan.py::test_where_it_cannot_look_it_says_so",
        ),
    ),
    "an old invitation": Outside(
        "who made a link lost the right to, and uses it",
        (f"{SERVER}/test_auth.py::test_a_link_holds_only_while_whoever_made_it_may_make_it",),
    ),
    "flags without end": Outside(
        "flagged lines times functions fill a report",
        ("tests/policy/test_scan.py::test_a_report_holds_so_many_flags_and_no_more",),
    ),
    "the reference's curve": Outside(
        "what a report shows of a hidden run is replayed as the loss",
        (
            "tests/attacks/test_little_is_told.py"
            "::test_every_number_of_a_curve_is_coarse_the_references_too",
            "tests/attacks/test_little_is_told.py"
            "::test_the_threat_model_counts_the_bits_that_a_students_view_carries",
        ),
    ),
    "an old token": Outside(
        "a token or a session is used after the password was changed",
        (
            f"{SERVER}/test_auth.py::test_a_new_password_ends_every_token",
            f"{SERVER}/test_auth.py::test_a_new_password_ends_every_other_session",
        ),
    ),
    "half a character": Outside(
        "a lone surrogate makes every page of a submission fail",
        (
            f"{SERVER}/test_reading.py::test_what_cannot_be_stored_is_shown_all_the_same",
            f"{READING}/test_reader.py::test_texts_of_an_answer_can_be_stored",
        ),
    ),
    "operators in hiding": Outside(
        "caches, containers, loops and derivatives hide what the policy looks for",
        (
            "tests/policy/test_policy.py::test_a_cache_of_results_hides_no_operator",
            "tests/policy/test_policy.py::test_torchs_own_gradients_are_found",
        ),
    ),
    "somebody else's password": Outside(
        "guesses lock the owner out, or go on for ever",
        (
            f"{SERVER}/test_auth.py::test_guessing_is_slowed_down_and_locks_nobody_out",
            f"{SERVER}/test_auth.py"
            "::test_guessing_from_many_addresses_is_slowed_down_but_for_browsers_that_are_known",
        ),
    ),
    "a full disk": Outside(
        "hand-ins that cost no attempt fill the disk",
        (
            f"{SERVER}/test_queue.py::test_a_student_keeps_so_much_and_no_more_superseded_or_not",
            f"{SERVER}/test_faults_told.py"
            "::test_pages_and_exports_work_while_the_disk_is_full_or_read_only",
        ),
    ),
    "another past": Outside(
        "an entry of the audit log is replaced from outside",
        (
            f"{SERVER}/test_grades.py::test_the_audit_log_can_only_grow",
            f"{SERVER}/test_grades.py::test_no_audit_entry_is_replaced",
        ),
    ),
    "a formula in a table": Outside(
        "a name becomes a formula where another separator is expected",
        (
            f"{SERVER}/test_exports.py"
            "::test_no_part_of_a_text_is_a_formula_to_whom_expects_another_separator",
        ),
    ),
    "two clicks at once": Outside(
        "the same hand-in twice at the same moment uses two attempts, or is refused with nonsense",
        (
            f"{SERVER}/test_queue.py::test_a_double_click_is_one_submission",
            f"{SERVER}/test_queue.py::test_the_clock_is_read_when_nobody_else_writes",
        ),
    ),
    "what is no form": Outside(
        "JSON, files and half a multipart in a form's place: an error, or another count of guesses",
        (
            f"{SERVER}/test_auth.py::test_a_login_that_is_no_form_is_refused",
            f"{SERVER}/test_access.py::test_what_is_no_form_breaks_nothing",
        ),
    ),
    "numbers of one's own": Outside(
        "what hidden laws, bands and metrics measured is printed, and is what the submission chose",
        (
            "tests/attacks/test_little_is_told.py"
            "::test_a_sentence_about_a_hidden_case_tells_little_of_a_number",
        ),
    ),
    "a name without end": Outside(
        "a module's name of a million characters is stored and shown",
        ("tests/autograder/test_submission.py::test_a_modules_name_has_an_end",),
    ),
    "answers without end": Outside(
        "what a function returns, prints and raises makes its judge slow or large",
        ("tests/autograder/test_growth.py::test_judging_costs_no_more_than_n_log_n",),
    ),
    "too large a body": Outside(
        "bodies are taken in before they are refused; pages stay in the browser",
        (
            f"{SERVER}/test_security.py::test_too_much_is_refused_before_it_is_read",
            f"{SERVER}/test_security.py::test_pages_are_kept_neither_in_between_nor_by_the_browser",
        ),
    ),
}


def try_all() -> dict[str, list[str]]:
    """What is wrong with each of them: tests that failed, or that did not run."""
    tests = sorted({test for attack in OUTSIDE.values() for test in attack.tests})
    command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", "-rA"]
    done = subprocess.run(
        [*command, "--no-header", *tests], cwd=ordinary.ROOT, capture_output=True, text=True
    )
    passed, wrong = set(_PASSED.findall(done.stdout)), set(_OTHER.findall(done.stdout))
    return {
        name: [
            f"{test} {'failed' if test in wrong else 'did not run'}"
            for test in attack.tests
            if test in wrong or test not in passed
        ]
        for name, attack in OUTSIDE.items()
    }
