// `npm run soak`: sets up, then holds an installation of six processes under load and faults for a while, and looks whether
// all of it is whole: `-- --minutes 10 --seed 7`. Needs Ceph, as `.ci/run` installs it. Plain JavaScript.
import { spawnSync } from 'node:child_process'
import { parseArgs } from 'node:util'
import { node, root, setup } from './setup.mjs'

const options = { minutes: { type: 'string' }, seed: { type: 'string' } }
const { minutes, seed } = parseArgs({ options }).values
for (const [name, value] of Object.entries({ minutes, seed })) {
  if (value === undefined || Number(value) > 0) continue
  console.error(`--${name} is a number above 0, not '${value}'.`)
  process.exit(2)
}
if (spawnSync('radosgw', ['--version']).error) {
  console.error('The S3 server of the soak is Ceph: apt-get install ceph-mon ceph-osd radosgw.')
  process.exit(2)
}
setup()
const env = {
  ...process.env,
  ...(minutes && { VITRINE_SOAK_MINUTES: minutes }),
  ...(seed && { VITRINE_SOAK_SEED: seed }),
}
const args = ['node_modules/vitest/vitest.mjs', 'run', '--project', 'soak']
const { status } = spawnSync(node(), args, { cwd: root, stdio: 'inherit', env })
process.exit(status ?? 1)
