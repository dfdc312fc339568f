import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'

const run = promisify(execFile)
const program = fileURLToPath(new URL('go/life.go', import.meta.url))

let vitrine: TestInstallation
let home: string
beforeAll(async () => {
  vitrine = await openTestInstallation()
  home = await mkdtemp(join(tmpdir(), 'vitrine-go-'))
})
afterAll(async () => {
  await vitrine.close()
  await rm(home, { recursive: true, force: true })
})

it('R118 a life through the Go SDK, signed in as ADAL does', async () => {
  const env = {
    PATH: process.env.PATH ?? '',
    HOME: home,
    GOCACHE: join(home, 'cache'),
    // Debian's packages are a tree of their own; nothing is fetched.
    GOPATH: '/usr/share/gocode',
    GO111MODULE: 'off',
    GOFLAGS: '',
    CGO_ENABLED: '0',
    SSL_CERT_FILE: join(vitrine.data, 'tls', 'ca.pem'),
    VITRINE_URL: vitrine.url,
    VITRINE_OWNER: join(vitrine.data, 'owner.json'),
  }
  const { stdout } = await run('go', ['run', program], { env })
  expect(stdout).toBe(`${vitrine.url} served a life through Go\n`)
})
