#!/usr/bin/env node
// Runs src/main.ts on the Node that the package brings, whatever Node started this: older ones do not read TypeScript.
import { spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')

function bundledNode() {
  try {
    const folder = dirname(createRequire(import.meta.url).resolve('node/package.json'))
    return join(folder, 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
  } catch {
    console.error('Vitrine is not installed here yet. Run `npm ci` in its folder, then repeat.')
    process.exit(1)
  }
}

const args = ['--disable-warning=ExperimentalWarning', join(root, 'src', 'main.ts')]
const child = spawn(bundledNode(), [...args, ...process.argv.slice(2)], { stdio: 'inherit' })

// A Ctrl-C reaches both processes; a signal to this one alone is handed on. The child decides when it is done.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
  process.on(signal, () => {
    if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal)
  })
child.on('error', (error) => {
  console.error(
    `The bundled Node could not be started: ${error.message}. Run \`npm ci\`, then repeat.`,
  )
  process.exit(1)
})
child.on('exit', (code, signal) => {
  if (signal === null) process.exit(code ?? 1)
  for (const one of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.removeAllListeners(one)
  process.kill(process.pid, signal)
})
