"""What an experiment asks for: ``experiment.toml``, read once into frozen objects; each part gets only what it uses."""

from optimizer.settings.command import CommandSuiteSettings, SeedSettings
from optimizer.settings.experiment import (
    DEFAULT_PROPOSERS,
    EXPERIMENT_FILE,
    NAME,
    BudgetSettings,
    CheckSettings,
    ConstraintSettings,
    ExperimentSettings,
    GateSettings,
    McpSettings,
    ModelSettings,
    ObjectiveSettings,
    ProposerSettings,
    SandboxSettings,
    TieBreak,
    load_experiment,
    web_address,
)
from optimizer.settings.suites import AgentSuiteSettings, CallableSuiteSettings, DatasetSuiteSettings, SuiteSettings

__all__ = [
    "DEFAULT_PROPOSERS",
    "EXPERIMENT_FILE",
    "NAME",
    "AgentSuiteSettings",
    "BudgetSettings",
    "CallableSuiteSettings",
    "CheckSettings",
    "CommandSuiteSettings",
    "ConstraintSettings",
    "DatasetSuiteSettings",
    "ExperimentSettings",
    "GateSettings",
    "McpSettings",
    "ModelSettings",
    "ObjectiveSettings",
    "ProposerSettings",
    "SandboxSettings",
    "SeedSettings",
    "SuiteSettings",
    "TieBreak",
    "load_experiment",
    "web_address",
]
