"""Every private name of Ray that is used: what it is, what it buys, and what a run goes without where there is none.

Ray promises nothing of these names: each can vanish with a release. So whoever wants one asks this table for it. One
that a version lacks is said once, in the messages of the run, which goes on without what the name bought.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from operator import attrgetter
from typing import Any

import ray


@dataclass(frozen=True)
class Private:
    """A private name of Ray.

    Attributes:
        address: ``module:name`` or ``module:Class.name``, of the class or of an instance of it; a parameter stands in
            parentheses behind what takes it.
        what: it is.
        buys: what a run gets by it.
        without: what happens where Ray has no such name.
    """

    address: str
    what: str
    buys: str
    without: str

    def __str__(self) -> str:
        return self.address.replace(":", ".")

    @property
    def parameter(self) -> str:
        """Name of the parameter; "" for an attribute."""
        return self.address.partition("(")[2].removesuffix(")")

    def lacking(self, error: Exception | None = None) -> None:
        """Say, once in a process, that this Ray has no such name, or one that failed with this error."""
        if self not in _said:
            _said.add(self)
            failed = f": {self} failed ({type(error).__name__}: {error})"
            _say(f"Ray {ray.__version__}{failed if error else f' has no {self}'}: {self.without}")

    def get(self, instance: object = None) -> Any:
        """Return its value, in its module or in an instance of its class; None where there is none."""
        try:
            owner, path = self._place(instance)
            return attrgetter(path)(owner)
        except (ImportError, AttributeError):
            self.lacking()
            return None

    def put(self, value: object, instance: object = None) -> None:
        """Set its value; do nothing where there is no such name."""
        if self.get(instance) is not None:
            owner, path = self._place(instance)
            before, _, last = path.rpartition(".")
            setattr(attrgetter(before)(owner) if before else owner, last, value)

    @contextmanager
    def replaced(self, make: Callable[[object], object]) -> Iterator[None]:
        """Put something made of its value in its place meanwhile; do nothing where there is no such name."""
        usual = self.get()
        if usual is None:
            yield
            return
        self.put(make(usual))
        try:
            yield
        finally:
            self.put(usual)

    def known(self) -> bool:
        """Whether what takes it, a function or class with a full signature, has this parameter."""
        try:
            owner, path = self._place()
            if self.parameter in inspect.signature(attrgetter(path)(owner)).parameters:
                return True
        except (ImportError, AttributeError):
            pass
        self.lacking()
        return False

    def _place(self, instance: object = None) -> tuple[Any, str]:
        """Return where it is looked for, and its path from there."""
        module, _, path = self.address.partition("(")[0].partition(":")
        return (import_module(module), path) if instance is None else (instance, path.partition(".")[2])


_say: Callable[[str], object] = print
_said: set[Private] = set()


@contextmanager
def telling(say: Callable[[str], object]) -> Iterator[None]:
    """Say meanwhile by this function which names are missing."""
    global _say  # noqa: PLW0603
    before, _say = _say, say
    try:
        yield
    finally:
        _say = before


def init(*words: object, private: Mapping[Private, object], **more: object) -> Any:
    """Call `ray.init`, with those private parameters that it knows; it has no signature that would tell."""
    given = dict(private)
    while True:
        try:
            return ray.init(*words, **more, **{name.parameter: value for name, value in given.items()})
        except RuntimeError as error:  # it looks at all parameters before it starts anything
            unknown = [
                name for name in given if str(error).startswith("Unknown keyword") and name.parameter in str(error)
            ]
            if not unknown:
                raise
            for name in unknown:
                name.lacking()
                del given[name]


# How a local Ray is started ----------------------------------------------------------------------------------------

NODE_PARAMETERS = Private(
    "ray._private.parameter:RayParams",
    what="the parameters of a Ray node, more of them than `ray.init` has",
    buys="two processes less, which a start and its end wait for",
    without="the monitors of its autoscaler and of logs run beside the study, and Ray starts and ends more slowly",
)
NO_MONITOR = Private(
    "ray._private.parameter:RayParams(no_monitor)",
    what="leaves out the monitor of Ray's autoscaler",
    buys="a process less, which a start and its end wait for",
    without="the monitor of its autoscaler runs beside the study, and Ray starts and ends more slowly",
)
LOG_MONITOR = Private(
    "ray._private.parameter:RayParams(include_log_monitor)",
    what="leaves out the process that reads the logs of workers",
    buys="a process less, which a start and its end wait for",
    without="its log monitor runs beside the study, and Ray starts and ends more slowly",
)
API_SERVER = Private(
    "ray._private.services:start_api_server",
    what="starts the server of the dashboard, even where there is to be no dashboard",
    buys="a process less, which a start and its end wait for",
    without="the server of its dashboard runs beside the study, and Ray starts and ends more slowly",
)
PORT_FILE = Private(
    "ray._raylet:persist_port",
    what="writes down where an agent of a node listens",
    buys="two processes less, which a start waits for, and their memory",
    without="the agents of its dashboard and of environments run beside the study, and Ray starts more slowly",
)
PROCESS = Private(
    "ray._private.services:ConsolePopen",
    what="the class that starts Ray's servers",
    buys="a process group of their own for the servers, and no agents that nobody asks anything",
    without="a signal to the process group of this command, as `timeout` sends it, ends Ray under the run",
)
SIGTERM_HANDLER = Private(
    "ray._private.utils:set_sigterm_handler",
    what="puts Ray's handler of SIGTERM in the place of ours",
    buys="a SIGTERM that comes while Ray starts is heard by the run",
    without="a SIGTERM that comes while Ray starts is handled by Ray",
)
COMMAND_LINE = Private(
    "ray._private.utils:get_entrypoint_name",
    what="reads the command line of this process",
    buys="a command line may be other than UTF-8",
    without="Ray does not start where the command line is not UTF-8",
)
STACK_DUMP = Private(
    "ray._private.ray_constants:RAY_DISABLE_FAILURE_SIGNAL_HANDLER",
    what="whether Ray prints where its threads were when a signal ends it",
    buys="no stack trace on the terminal at SIGTERM",
    without="Ray prints a stack trace at SIGTERM",
)
CORE_WORKER = Private(
    "ray._raylet:CoreWorker",
    what="connects this process to Ray's servers, and holds the interpreter's lock meanwhile",
    buys="Ctrl-C and SIGTERM end a start that hangs there",
    without="Ctrl-C and SIGTERM are heard only once Ray has started",
)
ADDRESS = Private(
    "ray:init(_node_ip_address)",
    what="the address that Ray's servers have",
    buys="servers that are reached from this machine alone, though ray was imported before this service",
    without="RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER=0 alone keeps its servers on the loopback address",
)
FOLDER = Private(
    "ray:init(_temp_dir)",
    what="the folder of Ray's sockets and logs",
    buys="a folder of its own for each run, removed with all that is left of its Ray",
    without="its files lie in its usual folder and stay there, and processes that hang at its end are not ended",
)

MODULE_PATH = Private(
    "ray.job_config:JobConfig._py_driver_sys_path",
    what="the places where workers look for modules before others",
    buys="workers find the modules that this command finds",
    without="workers may find other modules than this command, where it was started with a module path of its own",
)
WORKING_FOLDER = Private(
    "ray.job_config:JobConfig._runtime_env_has_working_dir",
    what="whether workers need not be told the working folder",
    buys="a file in the working folder cannot hide a library from workers",
    without="a file in the working folder, such as torch.py, hides a library of that name from workers",
)

# Whether its servers are there -------------------------------------------------------------------------------------

_UNWATCHED = "a run that waits for a server that has ended is not ended"

NODE = Private(
    "ray._private.worker:_global_node",
    what="the local Ray, with its servers",
    buys="a run that lost a server of Ray ends at once, and starts Ray again",
    without=_UNWATCHED,
)
DEAD_PROCESSES = Private(
    "ray._private.node:Node.dead_processes",
    what="those of its processes that have ended",
    buys=NODE.buys,
    without=_UNWATCHED,
)
GCS_ADDRESS = Private(
    "ray._private.node:Node.gcs_address",
    what="where its GCS server listens",
    buys="a GCS server that takes no more connections is as good as ended",
    without="a run that waits for a GCS server that takes no more connections is not ended",
)
RAYLET = Private(
    "ray._private.ray_constants:PROCESS_TYPE_RAYLET",
    what="what Ray calls its raylet among its processes",
    buys="a run without its raylet ends at once, and starts Ray again",
    without="a run that waits for a raylet that has ended is not ended",
)
GCS_SERVER = Private(
    "ray._private.ray_constants:PROCESS_TYPE_GCS_SERVER",
    what="what Ray calls its GCS server among its processes",
    buys="a run without its GCS server ends at once, and starts Ray again",
    without="a GCS server that has ended is noticed only by its port",
)

# How Tune runs leases ----------------------------------------------------------------------------------------------

ACTOR_CLASS = Private(
    "ray.tune.execution.class_cache:_ActorClassCache.get",
    what="makes a class of workers, with an environment of their own",
    buys="workers of a local Ray take processes that are ready, a second or two sooner",
    without="every worker starts a new process, which takes a second or two",
)
TRIAL_STORAGE = Private(
    "ray.train._internal.storage:StorageContext",
    what="where Tune would have a worker keep what it writes",
    buys="workers of a local Ray import no Tune, so that they start half a second sooner and need less memory",
    without="every worker imports Tune, which takes half a second and memory",
)
TRIAL_INFO = Private(
    "ray.tune.experiment.trial:_TrialInfo",
    what="names that Tune has for a lease",
    buys=TRIAL_STORAGE.buys,
    without=TRIAL_STORAGE.without,
)
CHECKPOINT = Private(
    "ray.tune.execution.tune_controller:TuneController.checkpoint",
    what="writes the state of Tune for a restart of its own",
    buys="nothing is written that nobody reads; no errors where the clock is set or a disk is full",
    without="Tune writes a state of its own, and shows errors where the clock is set or the disk is full",
)
STATE_FILE = Private(
    "ray.tune.execution.tune_controller:TuneController.CKPT_FILE_TMPL",
    what="the name of the file with that state, which Tune looks for at its end",
    buys=CHECKPOINT.buys,
    without=CHECKPOINT.without,
)
LAST_RESULT = Private(
    "ray.tune.experiment:Trial.run_metadata.last_result",
    what="the last row of a lease",
    buys="a driver that does not grow with every lease",
    without="the memory of this process grows by the last row of each lease",
)
METRIC_ANALYSIS = Private(
    "ray.tune.experiment:Trial.run_metadata.metric_analysis",
    what="running means of every number of a lease",
    buys=LAST_RESULT.buys,
    without="the memory of this process grows by some kilobytes with each lease",
)
METRIC_STEPS = Private(
    "ray.tune.experiment:Trial.run_metadata.metric_n_steps",
    what="the last numbers of a lease",
    buys=LAST_RESULT.buys,
    without=METRIC_ANALYSIS.without,
)
SETTINGS = Private(
    "ray.tune.experiment:Trial._Trial__unresolved_config",
    what="the settings of a lease",
    buys=LAST_RESULT.buys,
    without="the memory of this process grows by the settings of each lease",
)
WORKER_ERROR = Private(
    "ray.tune.experiment:Trial.get_error",
    what="what Ray says of a worker that died",
    buys="a worker that Ray ended for want of memory, or that a server took with it, is told from others",
    without="of a worker that dies it is not said whether Ray ended it for want of memory",
)

TABLE = tuple(value for value in list(globals().values()) if isinstance(value, Private))
"""All of them."""
