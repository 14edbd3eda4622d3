"""Helpers draw what this process would, in the same order; what they cannot do is done here."""

import os
from dataclasses import replace
from functools import partial

import psutil
import pytest

from mribench.data import phantom_workers
from mribench.data.build import build_phantom
from mribench.plugins import lookup
from mribench.profiles import QUICK

MANY = phantom_workers.WORTH_A_PROCESS


def whose(subject):
    return [subject, os.getpid()]


def fails_elsewhere(here, subject):
    if os.getpid() != here:
        os._exit(1)
    return [subject]


def children():
    return set(psutil.Process().children())


@pytest.fixture
def importable(monkeypatch):
    """Helpers find this module by its name."""
    monkeypatch.setenv("PYTHONPATH", os.path.dirname(__file__))


@pytest.mark.usefixtures("importable")
def test_processes_share_the_subjects_in_order():
    drawn = list(phantom_workers.draw_subjects(whose, 7, MANY, processes=3))
    assert [subject for subject, _ in drawn] == list(range(7))
    pids = [pid for _, pid in drawn]
    assert len(set(pids)) == 3 and pids[0] == pids[3] == pids[6] and os.getpid() not in pids


@pytest.mark.parametrize(("slices", "processes"), [(MANY, 1), (1, 3)])
def test_little_is_drawn_here(slices, processes):
    assert {pid for _, pid in phantom_workers.draw_subjects(whose, 4, slices, processes)} == {os.getpid()}


def test_what_cannot_be_sent_is_drawn_here():
    assert list(phantom_workers.draw_subjects(lambda s: [s], 5, MANY, processes=2)) == [[s] for s in range(5)]


@pytest.mark.usefixtures("importable")
def test_what_a_helper_fails_at_is_drawn_here():
    fails = partial(fails_elsewhere, os.getpid())
    assert list(phantom_workers.draw_subjects(fails, 5, MANY, processes=2)) == [[s] for s in range(5)]


def test_without_helpers_all_is_drawn_here(monkeypatch):
    monkeypatch.setattr(phantom_workers.sys, "executable", "/no/such/python")
    assert {pid for _, pid in phantom_workers.draw_subjects(whose, 4, MANY, processes=2)} == {os.getpid()}


def test_nobody_is_left_where_the_user_stops():
    before = children()
    drawn = phantom_workers.draw_subjects(whose, 5, MANY, processes=2)
    next(drawn)
    assert len(children() - before) == 2
    drawn.close()
    assert children() == before


def test_a_modality_is_the_same_drawn_by_one_and_by_several(monkeypatch):
    modality = lookup.load("modalities", lookup.names("modalities")[0])
    few = replace(QUICK, size=32, phantom_subjects=-(-MANY // QUICK.phantom_slices))
    sets = []
    for threads in (1, 2):
        monkeypatch.setattr("mribench.device._threads", lambda threads=threads: threads)
        sets.append(build_phantom(modality, few, 0)[0])
    pixels = [[(r.subject, r.slice, r.image.tobytes()) for split in s.values() for r in split] for s in sets]
    assert pixels[0] == pixels[1]
