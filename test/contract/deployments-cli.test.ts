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

it('by the command line: foretold, deployed from a file with comments, shown, forgotten', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'vitrine-deploy-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  await writeProfile(folder, await readOwner(join(vitrine.data, 'owner.json')))
  const file = join(folder, 'gallery.json')
  await writeFile(file, `// ours\n${JSON.stringify(template)}`)
  const run = async (...line: readonly string[]) => {
    const [out, err] = [openTestTerminal(), openTestTerminal()]
    const { signal } = new AbortController()
    const parts = { version: '1', homeFolder: folder, out, err, signal, local: noLocal }
    const asked = ['deployment', ...line, '-g', group, '-o', 'json']
    const code = await runCli(asked, { world: openWorld('error'), ...parts })
    expect([code, err.text()]).toEqual([0, ''])
    return out.text() === '' ? undefined : JSON.parse(out.text())
  }
  const given = ['-n', 'cli', '-f', file, '-p', 'galleryName=byHand']
  const id = arm.idOf('galleries/byHand')
  expect(await run('what-if', ...given)).toContainEqual(
    expect.objectContaining({ resourceId: id, changeType: 'Create' }),
  )
  expect(await run('validate', ...given)).toMatchObject({ name: 'cli' })
  expect(await run('create', ...given)).toMatchObject({
    provisioningState: 'Succeeded',
    outputs: { id: { value: id } },
  })
  expect(await run('operations', '-n', 'cli')).toHaveLength(1)
  expect(await run('show', '-n', 'cli')).toMatchObject({ name: 'cli' })
  await run('delete', '-n', 'cli')
  expect((await arm.get(idOf('cli'), api)).status).toBe(404)
})
