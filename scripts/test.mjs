// `npm test`: sets up, then checks types, lint, dead code and tests. `--system` runs what is left to `.ci/run`: processes that
// die, what is mended, PostgreSQL, and what needs system packages, which that installs. Ends with `N passed, N failed`.
// Plain JavaScript: it starts on any Node from 20 on.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { node, root, setup, setupAzurite } from './setup.mjs'

const system = process.argv.includes('--system')
const reports = mkdtempSync(join(tmpdir(), 'vitrine-reports-'))
const total = { passed: 0, failed: 0 }

function run(name, args) {
  console.log(`\n== ${name}`)
  const { status } = spawnSync(node(), args, { cwd: root, stdio: 'inherit' })
  return status === 0
}

function check(name, args) {
  if (run(name, args)) total.passed += 1
  else total.failed += 1
}

/** All projects in one run, so that one waits while another computes. */
function tests(projects) {
  const report = join(reports, 'report.json')
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
  const passed = run(`tests: ${projects.join(', ')}`, [
    'node_modules/vitest/vitest.mjs',
    'run',
    ...projects.flatMap((project) => ['--project', project]),
    ...reporters,
  ])
  const counted = existsSync(report) ? JSON.parse(readFileSync(report, 'utf8')) : {}
  total.passed += counted.numPassedTests ?? 0
  // A run that broke without a failed test (no file, an unhandled error) has failed all the same.
  total.failed += Math.max(counted.numFailedTests ?? 0, passed ? 0 : 1)
}

setup()
setupAzurite()
if (!system) {
  check('types', ['node_modules/typescript/bin/tsc', '-p', '.'])
  check('lint and format', ['node_modules/@biomejs/biome/bin/biome', 'ci', '.'])
  check('dead code', ['node_modules/knip/bin/knip.js'])
  tests(['unit', 'contract'])
  console.log(
    '\nLeft to .ci/run: processes killed at any instant, recovery from damage and loss, data of older schemas and from elsewhere, store and contracts on PostgreSQL; and, with what it installs for them, tests against qemu-img, full and broken file systems, az, S3.',
  )
} else {
  tests(['crash', 'recovery', 'contract-postgres', 'crash-postgres'])
  tests(['system'])
}
rmSync(reports, { recursive: true, force: true })
console.log(`\n${total.passed} passed, ${total.failed} failed`)
process.exit(total.failed === 0 ? 0 : 1)
