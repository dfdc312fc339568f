/**
 * Debian's az 2.45 asks for API versions that the Python libraries packaged beside it do not have, and for `config` where
 * they say `_config`; `az image`, `az vm` and `az role` end before any request. Python loads this text at its start, and
 * it mends both while az loads them: in memory, nothing of the package is changed.
 */
export const debianCure = `# Written by \`vitrine az-setup --debian\`: az 2.45 of Debian names API versions that python3-azure lacks, and asks clients of
# roles for 'config', which is '_config' there. Mended in memory, as az loads them; nothing of the package is changed.
import sys


def profiles(module):
    kinds = module.ResourceType
    latest = module.AZURE_API_PROFILES['latest']
    there = {'2022-11-01': '2022-08-01'}
    compute = latest[kinds.MGMT_COMPUTE].profile
    for group, version in compute.items():
        compute[group] = there.get(version, version)
    latest[kinds.MGMT_NETWORK] = '2022-07-01'


def config(module):
    for one in vars(module).values():
        if isinstance(one, type):
            one.config = property(lambda self: self._config)


class Cure:
    cures = {
        'azure.cli.core.profiles._shared': profiles,
        'azure.mgmt.authorization.v2018_01_01_preview.operations': config,
        'azure.mgmt.authorization.v2020_04_01_preview.operations': config,
    }

    def find_spec(self, name, path=None, target=None):
        cure = self.cures.pop(name, None)
        if cure is None:
            return None
        from importlib.util import find_spec
        spec = find_spec(name)
        if spec is None or spec.loader is None:
            return spec
        load = spec.loader.exec_module

        def load_and_cure(module):
            load(module)
            cure(module)

        spec.loader.exec_module = load_and_cure
        return spec


sys.meta_path.insert(0, Cure())
`
