import { request } from 'node:https'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Arm, dataBytes, openArm } from '../support/arm.ts'
import { openHeardWorld } from '../support/heard-world.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'

const west = { location: 'westeurope' }

const { world, logged } = openHeardWorld()
let vitrine: TestInstallation
let arm: Arm
beforeAll(async () => {
  vitrine = await openTestInstallation({ world })
  arm = openArm(vitrine)
  await arm.put(arm.groupPath, west)
})
afterAll(() => vitrine.close())

const errors = () => logged.filter((event) => event.level === 'error')

/** Sends half of what was announced, then is gone. */
async function hangUp(method: string, url: string, headers: Record<string, string>): Promise<void> {
  await new Promise<void>((resolve) => {
    const sending = request(url, { method, headers: { ...headers, 'content-length': '1024' } })
    sending.on('error', () => resolve())
    sending.on('close', () => resolve())
    sending.write('{"location":', () => setTimeout(() => sending.destroy(), 50))
  })
  await new Promise((resolve) => setTimeout(resolve, 100))
}

it('a client that hangs up in the middle of a body is no fault of ours', async () => {
  const authorization = `Bearer ${vitrine.token}`
  const path = `${vitrine.url}${arm.idOf('galleries/half')}?api-version=2024-03-03`
  await hangUp('PUT', path, { authorization, 'content-type': 'application/json' })
  expect((await arm.get('galleries/half')).status).toBe(404)
  expect(errors()).toEqual([])
})

it('nor one that hangs up in the middle of a page, whose bytes are then not there', async () => {
  await arm.make('disks/half', {
    ...west,
    properties: { creationData: { createOption: 'Upload', uploadSizeBytes: 4096 } },
  })
  const sas = await arm.grant('half', 'Write')
  const headers = { 'x-ms-page-write': 'update', 'x-ms-range': 'bytes=0-1023' }
  await hangUp('PUT', `${sas}&comp=page`, headers)
  expect(errors()).toEqual([])
  await arm.revoke('half')
  expect((await arm.download('half')).every((byte) => byte === 0)).toBe(true)
})

it('nor one that stops reading', async () => {
  await arm.upload('read', dataBytes(1, 8 * 1024 * 1024))
  const sas = await arm.grant('read', 'Read')
  const stopping = new AbortController()
  const answer = await fetch(sas, { signal: stopping.signal })
  const reader = answer.body?.getReader()
  await reader?.read()
  stopping.abort()
  await new Promise((resolve) => setTimeout(resolve, 200))
  expect(errors()).toEqual([])
  expect((await fetch(sas, { method: 'HEAD' })).status).toBe(200)
})
