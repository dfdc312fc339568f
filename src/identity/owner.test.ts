import { randomUUID } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openMemoryDirectory } from '../../test/support/memory-directory.ts'
import { openSecretCheck } from './client-secret.ts'
import { claimOwnerFile, ensureOwner } from './owner.ts'

const tenantId = '11111111-2222-3333-4444-555555555555'
let folder: string
let directory: ReturnType<typeof openMemoryDirectory>
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vitrine-owner-'))
  directory = openMemoryDirectory()
})
afterEach(() => rm(folder, { recursive: true }))

const file = () => join(folder, 'owner.json')
const ensure = (over: { tenantId?: string } = {}) =>
  ensureOwner({
    ...directory,
    tenantId,
    ownerRoleIds: ['owner-role'],
    keep: (fresh) => claimOwnerFile(file(), fresh),
    world: { id: () => randomUUID(), now: () => new Date(0) },
    ...over,
  })

test('the first start makes an owner whose secret is in the file only, for its owner only', async () => {
  const owner = await ensure()
  if (!owner.created) throw new Error('the first start creates')
  expect(owner.tenantId).toBe(tenantId)
  expect(JSON.parse(await readFile(file(), 'utf8'))).toEqual({
    tenantId,
    clientId: owner.clientId,
    clientSecret: owner.secret,
  })
  expect((await stat(file())).mode & 0o777).toBe(0o600)
  expect(await readdir(folder)).toEqual(['owner.json'])
  const stored = await directory.applications.get(owner.clientId)
  expect(stored?.secretHash).not.toContain(owner.secret)
  expect(await openSecretCheck()(owner.secret, stored?.secretHash ?? '', [])).toBe(true)
  expect(await directory.assignments.heldBy({ principalId: stored?.objectId ?? '' })).toMatchObject(
    [{ roleId: 'owner-role', scope: '/' }],
  )
})

test('later starts make nothing, also when the file was taken away', async () => {
  const { clientId } = await ensure()
  await rm(file())
  expect(await ensure()).toEqual({ clientId, tenantId, created: false })
  expect(await readdir(folder)).toEqual([])
  expect(directory.applicationsById.size).toBe(1)
})

test.each(['applications', 'assignments', 'secrets'] as const)(
  'a first start that died at its %s is finished by the next with the same credentials',
  async (dying) => {
    const whole = { ...directory[dying] }
    const die = () => Promise.reject(new Error('killed'))
    Object.assign(directory[dying], { putIfAbsent: die, put: die })
    await expect(ensure()).rejects.toThrow('killed')
    Object.assign(directory[dying], whole)
    const kept = JSON.parse(await readFile(file(), 'utf8'))
    const owner = await ensure()
    expect(owner).toMatchObject({
      created: true,
      clientId: kept.clientId,
      secret: kept.clientSecret,
    })
    const stored = await directory.applications.get(owner.clientId)
    expect(
      await directory.assignments.heldBy({ principalId: stored?.objectId ?? '' }),
    ).toHaveLength(1)
  },
)

test('racing first starts on one data folder make one owner', async () => {
  const owners = await Promise.all([ensure(), ensure(), ensure()])
  expect(new Set(owners.map(({ clientId }) => clientId)).size).toBe(1)
  expect(directory.applicationsById.size).toBe(1)
})

test('a file that belongs to another tenant is refused, not overwritten', async () => {
  await ensure()
  directory = openMemoryDirectory()
  await expect(ensure({ tenantId: 'another' })).rejects.toThrow('belongs to tenant')
})
