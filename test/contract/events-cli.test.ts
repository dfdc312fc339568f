import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readOwner, writeProfile } from '../../src/cli/profile.ts'
import { runCli } from '../../src/cli/run-cli.ts'
import { portOf } from '../../src/listen.ts'
import { openWorld } from '../../src/world.ts'
import { type Arm, openArm } from '../support/arm.ts'
import { noLocalCommands } from '../support/cli-line.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'
import { openTestTerminal } from '../support/test-terminal.ts'

const west = { location: 'westeurope' }

describe('B20 by the command line', () => {
  let vitrine: TestInstallation
  let arm: Arm
  let folder: string
  let server: Server
  let endpoint: string
  const received: string[] = []
  beforeAll(async () => {
    server = createServer(async (request, response) => {
      let body = ''
      for await (const piece of request.setEncoding('utf8')) body += piece
      if (request.method === 'POST') received.push(`${request.url} ${body}`)
      response.writeHead(200, { 'webhook-allowed-origin': '*' }).end()
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    endpoint = `http://127.0.0.1:${portOf(server)}`
    vitrine = await openTestInstallation({ config: { events: { hosts: [endpoint] } } })
    arm = openArm(vitrine)
    folder = await mkdtemp(join(tmpdir(), 'vitrine-events-'))
    await writeProfile(folder, await readOwner(join(vitrine.data, 'owner.json')))
    await arm.make(`${arm.groupPath}?api-version=2021-04-01`, west)
  })
  afterAll(async () => {
    await vitrine.close()
    server.close()
    await rm(folder, { recursive: true })
  })

  function begin(signal: AbortSignal, ...line: readonly string[]) {
    const [out, err] = [openTestTerminal(), openTestTerminal()]
    const parts = { version: '1', homeFolder: folder, out, err, signal, local: noLocalCommands }
    return { out, err, code: runCli(line, { world: openWorld('error'), ...parts }) }
  }
  async function run(...line: readonly string[]) {
    const { out, err, code } = begin(new AbortController().signal, ...line)
    return { code: await code, out: out.text(), err: err.text() }
  }
  async function json(...line: readonly string[]) {
    const { code, out, err } = await run(...line, '-o', 'json')
    expect([code, err]).toEqual([0, ''])
    return out === '' ? undefined : JSON.parse(out)
  }
  const hook = (verb: string, ...line: readonly string[]) =>
    ['event-subscription', verb, '--scope', arm.groupPath, ...line] as const

  it('a webhook is made with a secret from a file, told, listed, shown, gone on with and deleted', async () => {
    const [secretFile, endpointFile] = [join(folder, 'secret'), join(folder, 'endpoint')]
    await writeFile(secretFile, 'sixteen letters at least\n')
    await writeFile(endpointFile, `${endpoint}/T0K3N\n`)
    const asked = ['-n', 'hook', '--endpoint', `@${endpointFile}`, '--secret', `@${secretFile}`]
    const types = ['--types', 'Gallery.Created', 'Vitrine.Gallery.Gallery.Deleted']
    const made = await json(...hook('create', ...asked, ...types))
    const properties = { endpoint, hasSecret: true, state: 'Active' }
    const names = ['Vitrine.Gallery.Gallery.Created', 'Vitrine.Gallery.Gallery.Deleted']
    expect(made).toMatchObject({ name: 'hook', ...properties, types: names })
    await arm.make('galleries/one', west)
    await expect.poll(() => received.length).toBe(1)
    expect(received[0]).toMatch(/^\/T0K3N \[.*Vitrine\.Gallery\.Gallery\.Created/)
    await expect
      .poll(async () => (await run(...hook('list'))).out)
      .toMatch(new RegExp(`^Name .*\nhook +${endpoint} +Active +\\d+ +\\d{4}-.* 0\n$`))
    const shown = await json(...hook('show', '-n', 'hook'))
    expect(shown).toMatchObject(properties)
    expect(await json(...hook('deliver', '-n', 'hook'))).toMatchObject({ name: 'hook' })
    expect(await json(...hook('delete', '-n', 'hook'))).toBeUndefined()
    const again = await run(...hook('delete', '-n', 'hook'))
    expect([again.code, again.err]).toEqual([3, expect.stringContaining("no 'hook' to delete")])
    expect(await json(...hook('list'))).toEqual([])
    const away = await run(...hook('create', '-n', 'away', '--endpoint', 'https://a.example/x'))
    expect([away.code, away.err]).toEqual([1, expect.stringContaining('events.hosts')])
  })

  it('events are followed as they happen, one JSON document a line, until somebody stops it', async () => {
    const stop = new AbortController()
    const last = await vitrine.installation.store.read.events.last()
    const line = ['events', 'list', '--follow', '--scope', arm.groupPath, '--after', String(last)]
    const { out, err, code } = begin(stop.signal, ...line)
    const told = () => out.text().split('\n').filter(Boolean)
    const subjects = () => told().map((text) => String(JSON.parse(text).subject))
    await arm.make('galleries/two', west)
    await expect.poll(subjects).toEqual([arm.idOf('galleries/two')])
    // Nothing is told twice while it waits for more.
    await arm.make('galleries/three', west)
    await expect
      .poll(subjects)
      .toEqual(['galleries/two', 'galleries/three'].map((path) => arm.idOf(path)))
    stop.abort()
    expect([await code, err.text()]).toEqual([130, expect.stringMatching(/^Stopped/)])
    const { out: listed } = await run('events', 'list', '--scope', '/', '--after', String(last))
    expect(listed).toMatch(/^Sequence +Time +Type +Subject\n/)
    expect(listed.trim().split('\n')).toHaveLength(3)
    const wrong = await run('events', 'list', '--after', 'x')
    expect([wrong.code, wrong.err]).toEqual([2, expect.stringContaining('--after')])
  })
})
