// `npm start`, `npm run quickstart`: sets up, then runs the command line with what follows (`serve`, `quickstart my.vhd`).
import { setup } from './setup.mjs'

setup({ dev: false })
await import('../bin/vitrine.mjs')
