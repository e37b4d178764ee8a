"""A faithful fake of the exchange over real sockets, with a registry of faults to switch on."""

from exporter.simulator.config import ENDPOINTS as ENDPOINTS
from exporter.simulator.config import SimulatorConfig as SimulatorConfig
from exporter.simulator.faults import FAULTS as FAULTS
from exporter.simulator.faults.fault import Fault as Fault
from exporter.simulator.market import SCENARIOS as SCENARIOS
from exporter.simulator.market import STEP_SECONDS as STEP_SECONDS
from exporter.simulator.server import Simulator as Simulator
