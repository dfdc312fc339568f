// Installs what Vitrine needs, when it is not there or older than package-lock.json says. Plain JavaScript: it starts on
// any Node from 20 on.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bundledNode } from '../bin/bundled-node.mjs'

export const root = join(dirname(fileURLToPath(import.meta.url)), '..')

/** The Node that everything runs on. Call `setup` first. */
export function node() {
  const path = bundledNode()
  if (path !== undefined) return path
  fail(
    'The bundled Node is missing: npm did not run the install script of the package `node`.',
    'Run `npm rebuild node --ignore-scripts=false`, then repeat.',
  )
}

/** Runs `npm install` (see docs/adr/0011) unless all is there. `dev: false` asks only for what the server needs. */
export function setup({ dev = true } = {}) {
  const path = bundledNode()
  if (!isStale(root, dev) && path !== undefined) return refuseUnstartable(path)
  console.log('Installing what Vitrine needs; this happens once.')
  install(root)
  refuseUnstartable(node())
}

/** What tests alone start: its hundreds of packages are none of the product's. */
export function setupAzurite() {
  const folder = join(root, 'test', 'azurite')
  if (!isStale(folder, true)) return
  console.log('Installing Azurite, from which the tests import; this happens once.')
  install(folder)
}

function install(folder) {
  const { status } = npm(folder, ['install', '--loglevel=error', '--no-fund', '--no-audit'])
  if (status !== 0)
    fail('npm could not install the packages.', 'Look at its message above, then repeat.')
}

/** It is linked with one library that comes with every compiler, and that a bare system lacks. */
function refuseUnstartable(path) {
  const { status, stderr } = spawnSync(path, ['--version'], { encoding: 'utf8' })
  if (status === 0) return
  fail(
    `The bundled Node does not start here: ${String(stderr).trim()}`,
    'Where that names libatomic: `apt-get install libatomic1` (Debian, Ubuntu) or `dnf install libatomic` (Fedora, RHEL), then repeat.',
  )
}

/** True when a package that package-lock.json names is missing, or there in another version. */
function isStale(folder, dev) {
  const wanted = packagesOf(join(folder, 'package-lock.json'))
  const held = packagesOf(join(folder, 'node_modules', '.package-lock.json'))
  return Object.entries(wanted).some(([path, { version, dev: isDev, optional }]) => {
    if (path === '' || (isDev && !dev)) return false
    const found = held[path]
    if (found === undefined) return !optional
    return found.version !== version || !existsSync(join(folder, path))
  })
}

function packagesOf(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages ?? {}
  } catch {
    return {}
  }
}

/** npm as it was started with, else the one on the PATH. */
function npm(folder, args) {
  const options = { cwd: folder, stdio: 'inherit' }
  const started = process.env.npm_execpath
  return started?.endsWith('.js')
    ? spawnSync(process.execPath, [started, ...args], options)
    : spawnSync('npm', args, { ...options, shell: process.platform === 'win32' })
}

function fail(what, fix) {
  console.error(`${what}\n${fix}`)
  process.exit(1)
}
