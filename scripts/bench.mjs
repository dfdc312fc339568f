// `npm run bench`: sets up, then measures the targets of docs/performance.md: `-- --only 1,5 --pairs 7 --images DIR`.
// Plain JavaScript: it starts on any Node from 20 on.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { node, root, setup } from './setup.mjs'

setup()
const { status } = spawnSync(node(), [join(root, 'bench', 'main.ts'), ...process.argv.slice(2)], {
  stdio: 'inherit',
})
process.exit(status ?? 1)
