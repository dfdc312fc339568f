// `npm start`, `npm run quickstart`: sets up, then runs the command line with what follows (`serve`, `quickstart my.vhd`).
import { setup } from './setup.mjs'

setup({ dev: false })
await import('../bin/vitrine.mjs')

// npm hands a signal to its shell alone, which ends without passing it on: when that shell is gone, the server must stop.
const shell = process.ppid
setInterval(() => {
  if (process.ppid !== shell) process.kill(process.pid, 'SIGTERM')
}, 250).unref()
