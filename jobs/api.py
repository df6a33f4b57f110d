"""The public face of jobs: what other applications register, and what tells how the jobs are."""

from jobs.registry import Job, Waiting, known, register, waiting_rows
from jobs.states import STALE_S, JobState, job_states

__all__ = ["STALE_S", "Job", "JobState", "Waiting", "job_states", "known", "register", "waiting_rows"]
