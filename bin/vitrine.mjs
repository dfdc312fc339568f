#!/usr/bin/env node
// Runs src/main.ts on the Node that the package brings, whatever Node started this: older ones do not read TypeScript.
import { spawn } from 'node:child_process'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bundledNode } from './bundled-node.mjs'

const node = bundledNode()
if (node === undefined) {
  console.error('Vitrine is not installed here yet. Run `npm install` in its folder, then repeat.')
  process.exit(1)
}

const main = join(dirname(fileURLToPath(import.meta.url)), '..', 'src', 'main.ts')
const args = ['--disable-warning=ExperimentalWarning', main, ...process.argv.slice(2)]
// Compiled code is kept beside the packages: a faster start, and about 15 MB less for every thread.
const cache = join(dirname(main), '..', 'node_modules', '.cache', 'vitrine')
const env = { NODE_COMPILE_CACHE: cache, ...process.env }
const child = spawn(node, args, { stdio: 'inherit', env })
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP']

// A Ctrl-C reaches both processes by itself; a signal to this one alone is handed on. The child decides when it is done.
for (const signal of signals)
  process.on(signal, () => {
    if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal)
  })
child.on('error', (error) => {
  console.error(
    `The bundled Node could not be started (${error.message}). Run \`npm install\`, then repeat.`,
  )
  process.exit(1)
})
child.on('exit', (code, signal) => {
  if (signal === null) process.exit(code ?? 1)
  for (const one of signals) process.removeAllListeners(one)
  process.kill(process.pid, signal)
})
