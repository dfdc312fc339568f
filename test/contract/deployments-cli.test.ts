import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { readOwner, writeProfile } from '../../src/cli/profile.ts'
import { runCli } from '../../src/cli/run-cli.ts'
import { openWorld } from '../../src/world.ts'
import { type Arm, openArm } from '../support/arm.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'
import { openTestTerminal } from '../support/test-terminal.ts'

const api = '2021-04-01'
const group = 'deployed'
const schemas = 'https://schema.management.azure.com/schemas'
const template = {
  $schema: `${schemas}/2019-04-01/deploymentTemplate.json#`,
  contentVersion: '1.0.0.0',
  parameters: { galleryName: { type: 'string' } },
  resources: [
    {
      type: 'Microsoft.Compute/galleries',
      apiVersion: '2023-07-03',
      name: "[parameters('galleryName')]",
      location: '[resourceGroup().location]',
    },
  ],
  outputs: {
    id: {
      type: 'string',
      value: "[resourceId('Microsoft.Compute/galleries', parameters('galleryName'))]",
    },
    here: {
      type: 'object',
      value: {
        deployer: '[deployer()]',
        zones: "[pickZones('Microsoft.Compute', 'disks', resourceGroup().location, 3)]",
        type: "[providers('Microsoft.Compute', 'galleries').resourceType]",
      },
    },
  },
}

let vitrine: TestInstallation
let arm: Arm
beforeAll(async () => {
  vitrine = await openTestInstallation()
  arm = openArm(vitrine, group)
  await vitrine.resources.resourceGroups.createOrUpdate(group, { location: 'westeurope' })
})
afterAll(() => vitrine.close())

const idOf = (name: string) => `${arm.groupPath}/providers/Microsoft.Resources/deployments/${name}`

const noLocal = {
  backup: async () => undefined,
  migrate: async () => undefined,
  serve: async () => undefined,
  quickstart: async () => undefined,
  checkSpace: async () => ({ isSound: true }),
  restoreSpaces: async () => undefined,
}

async function openCli() {
  const folder = await mkdtemp(join(tmpdir(), 'vitrine-deploy-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  await writeProfile(folder, await readOwner(join(vitrine.data, 'owner.json')))
  async function ask(...line: readonly string[]) {
    const [out, err] = [openTestTerminal(), openTestTerminal()]
    const { signal } = new AbortController()
    const parts = { version: '1', homeFolder: folder, out, err, signal, local: noLocal }
    const asked = ['deployment', ...line, '-g', group]
    const code = await runCli(asked, { world: openWorld('error'), ...parts })
    return { code, out: out.text(), err: err.text() }
  }
  async function run(...line: readonly string[]) {
    const { code, out, err } = await ask(...line, '-o', 'json')
    expect([code, err]).toEqual([0, ''])
    return out === '' ? undefined : JSON.parse(out)
  }
  async function write(name: string, text: string): Promise<string> {
    await writeFile(join(folder, name), text)
    return join(folder, name)
  }
  return { ask, run, write }
}

/** Fails when it runs, three times. */
const failingText = (galleryId: string) => `{
  "$schema": "${template.$schema}",
  /* two
     lines */
  "contentVersion": "1.0.0.0",
  "parameters": { "word": { "type": "string", "defaultValue": "w" } },
  "resources": [
    {
      "type": "Microsoft.Compute/galleries/images",
      "apiVersion": "2023-07-03",
      "name": "lines/clash",
      "location": "westeurope",
      "properties": { "osType": "Plan9" }
    },
    // asks for what is not there
    { "type": "Microsoft.Compute/disks", "apiVersion": "2023-04-02", "name": "late",
      "location": "[reference('${galleryId}', '2023-07-03').nope]" },
    { "type": "Microsoft.Resources/deployments", "apiVersion": "2015-01-01", "name": "nested",
      "properties": { "mode": "Incremental", "template": { "$schema": "${template.$schema}", "contentVersion": "1.0.0.0", "resources": [
        { "type": "Microsoft.Compute/galleries/images", "apiVersion": "2023-07-03", "name": "lines/inner", "location": "westeurope",
          "properties": { "osType": "Plan9" } }
      ] } } }
  ]
}`

it('by the command line: foretold, deployed from a file with comments, shown, forgotten', async () => {
  const { run, write } = await openCli()
  const text = JSON.stringify({ ...template, metadata: {} })
  const lines = text.replace('"metadata":{}', '"metadata": { "script": "first\n\tsecond" }')
  const file = await write('gallery.json', `// ours\n${lines}`)
  const given = ['-n', 'cli', '-f', file, '-p', 'galleryName=byHand']
  const id = arm.idOf('galleries/byHand')
  expect(await run('what-if', ...given)).toContainEqual(
    expect.objectContaining({ resourceId: id, changeType: 'Create' }),
  )
  expect(await run('validate', ...given)).toMatchObject({ name: 'cli' })
  expect(await run('create', ...given)).toMatchObject({
    provisioningState: 'Succeeded',
    outputs: {
      id: { value: id },
      here: {
        value: {
          deployer: { objectId: expect.stringMatching(/^[\da-f-]{36}$/), userPrincipalName: '' },
          zones: ['1', '2', '3'],
          type: 'galleries',
        },
      },
    },
  })
  expect(await run('operations', '-n', 'cli')).toHaveLength(1)
  expect(await run('show', '-n', 'cli')).toMatchObject({ name: 'cli' })
  await run('delete', '-n', 'cli')
  expect((await arm.get(idOf('cli'), api)).status).toBe(404)
})

it('what fails when it runs is told with the line of its resource or output, in nested templates too', async () => {
  const { ask, write } = await openCli()
  await arm.make('galleries/lines', { location: 'westeurope' })
  const id = arm.idOf('galleries/lines')
  const lines = await write('lines.json', failingText(id))
  const late = await ask('create', '-n', 'late', '-f', lines)
  // Each with the line of what failed: a resource, an expression that waited, one in a nested template.
  expect(late.err).toMatch(/Failed: 'lines\/clash' at line '8' and column '5', 'late' at line '16'/)
  expect(late.err).toMatch(/\n {4}at line 8, position 5: properties.template.resources\[0\]\n/)
  expect(late.err).toMatch(
    /expressions for resource '.*\/late' at line '16' and column '5'. '.*nope/,
  )
  expect(late.err).toMatch(/images\/inner\n {4}at line 20, position 9: /)

  const counted = `"type": "array", "copy": { "input": 1, "count": "[reference('${id}').provisioningState]" }`
  const absent = `"type": "string", "value": "[reference('${id}0').provisioningState]"`
  for (const [name, output, told] of [
    [
      'counted',
      counted,
      /for output 'o' at line '5' and column '10'\. '.*'"Succeeded"' at line '5'/,
    ],
    ['absent', absent, /NotFound(?:.*\n)*.*at line 5, position 10: .*outputs\.o\./],
  ] as const) {
    const text = JSON.stringify({ ...template, parameters: {}, resources: [], outputs: {} })
    const outputs = `"outputs": {\n\n\n\n    "o": { ${output} }\n}`
    const outputting = await write(`${name}.json`, text.replace('"outputs":{}', outputs))
    expect((await ask('create', '-n', name, '-f', outputting)).err).toMatch(told)
  }
})

it('a table names what was deployed, what it gives out, and where it went wrong', async () => {
  const { ask, write } = await openCli()
  const good = await write('gallery.json', JSON.stringify(template))
  const id = arm.idOf('galleries/told')
  const made = await ask('create', '-n', 'told', '-f', good, '-p', 'galleryName=told')
  expect([made.code, made.err]).toEqual([0, expect.stringContaining(`Outputs:\n  id: ${id}\n`)])
  expect((await ask('operations', '-n', 'told')).out).toContain(id)

  const image = { type: 'Microsoft.Compute/galleries/images', name: 'told/linux' }
  const bad = { ...template.resources[0], ...image, properties: { osType: 'Plan9' } }
  const file = await write(
    'bad.json',
    JSON.stringify({ ...template, outputs: {}, resources: [bad] }),
  )
  const failed = await ask('create', '-n', 'fails', '-f', file, '-p', 'galleryName=told')
  const where = /\n {2}\w+: .*\n {4}at .*galleries\/told\/images\/linux\n/
  expect([failed.code, failed.err]).toEqual([1, expect.stringMatching(where)])
  expect((await ask('show', '-n', 'fails')).err).toMatch(where)

  const unread = JSON.stringify(template, null, 2).replace("Name')]", "Name']")
  const refused = await ask(
    'validate',
    '-n',
    'x',
    '-f',
    await write('wrong.json', unread),
    '-p',
    'galleryName=a',
  )
  expect(refused.err).toMatch(/InvalidTemplate.*\n {2}at line \d+, position \d+/)
  expect((await ask('validate', '-n', 'x', '-f', good, '-p', '@p.json')).err).toContain(
    '--parameters-file',
  )
})
