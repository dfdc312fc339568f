// `npm run bench`: sets up, then measures the targets of docs/performance.md: `-- --only 1,5 --pairs 7 --images DIR`.
// Plain JavaScript: it starts on any Node from 20 on.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { node, root, setup } from './setup.mjs'

setup()
// As bin/vitrine.mjs starts the server: what is measured is what users run.
const env = {
  NODE_COMPILE_CACHE: join(root, 'node_modules', '.cache', 'vitrine'),
  ...process.env,
}
const args = ['--disable-warning=ExperimentalWarning', join(root, 'bench', 'main.ts')]
const { status } = spawnSync(node(), [...args, ...process.argv.slice(2)], { stdio: 'inherit', env })
process.exit(status ?? 1)
