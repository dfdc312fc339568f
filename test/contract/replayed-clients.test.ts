import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { JsonObject } from '../../src/domain/rows.ts'
import { type Answer, type Arm, dataBytes, openArm } from '../support/arm.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'
import { dotnet, java } from './replay/generated.ts'
import { powerShell } from './replay/powershell.ts'
import type { Recording, Step } from './replay/recording.ts'
import { terraform } from './replay/terraform.ts'

const recordings: readonly Recording[] = [powerShell, dotnet, java, terraform]

const west = { location: 'westeurope' }
const pollsMax = 2_000

describe('R116 R117 R118 what clients send that cannot run here', () => {
  let vitrine: TestInstallation
  beforeAll(async () => {
    vitrine = await openTestInstallation()
  })
  afterAll(() => vitrine.close())

  it.each(recordings)(
    '$client gets what it takes and reads, request after request',
    async (one) => {
      const arm = openArm(vitrine, `replayed${recordings.indexOf(one)}`)
      await arm.put(arm.groupPath, west)
      const id = await arm.upload('os', dataBytes(1))
      const osDisk = { osType: 'Linux', osState: 'Generalized', managedDisk: { id } }
      await arm.make('images/source', { ...west, properties: { storageProfile: { osDisk } } })
      let seen: JsonObject = {}
      for (const step of one.steps) {
        const answer = await played(arm, one, { step, seen })
        const { body } = answer
        seen = body.value === undefined && body.error === undefined ? body : seen
        if (step.reads !== undefined) expect(body, step.does).toMatchObject(placed(arm, step.reads))
        for (const name of step.has ?? []) expect(body, step.does).toHaveProperty(name)
      }
    },
  )

  /** The answer that its user sees: after the operation, that of reading the resource. */
  async function played(
    arm: Arm,
    { headers }: Recording,
    { step, seen }: { step: Step; seen: JsonObject },
  ): Promise<Answer> {
    const path = placed(arm, step.path)
    const body = step.edits ? step.edits(seen) : step.body && placed(arm, step.body)
    const sent = { headers, ...(body !== undefined && { body }) }
    const answer = await arm.ask(step.method, path, sent)
    const told = `${step.does}: ${JSON.stringify(answer.body)}`
    expect(step.takes, told).toContain(answer.status)
    for (const name of ['x-ms-request-id', 'x-ms-correlation-request-id']) {
      expect(answer.headers.has(name), `${step.does}: ${name}`).toBe(true)
    }
    const isEchoed = headers['x-ms-return-client-request-id'] === 'true'
    expect(answer.headers.get('x-ms-client-request-id')).toBe(
      isEchoed ? headers['x-ms-client-request-id'] : null,
    )
    if (Object.keys(answer.body).length > 0) {
      expect(answer.headers.get('content-type')).toBe('application/json; charset=utf-8')
    }
    if (!step.waits) return answer
    await waited(arm, headers, { step, answer })
    if (step.method === 'DELETE') {
      const gone = await arm.ask('GET', path, { headers })
      expect(gone.status, step.does).toBe(404)
      return { ...gone, body: {} }
    }
    const url = answer.headers.get('location')
    if (step.method !== 'POST' || url === null) return arm.ask('GET', path, { headers })
    const { pathname, search } = new URL(url)
    return arm.ask('GET', `${pathname}${search}`, { headers })
  }

  /** Polls where this client would, at once, and until it would stop. */
  async function waited(
    arm: Arm,
    headers: Recording['headers'],
    { step, answer }: { step: Step; answer: Answer },
  ): Promise<void> {
    const url = answer.headers.get('azure-asyncoperation') ?? answer.headers.get('location')
    if (url === null) {
      expect([200, 204], `${step.does} is done, or says where it is told`).toContain(answer.status)
      return
    }
    expect(new URL(url).origin).toBe(vitrine.url)
    // Without it Java and PowerShell wait for 30 s, Terraform for 10 s.
    expect(answer.headers.get('retry-after'), step.does).toMatch(/^\d+$/)
    for (let at = 0; at < pollsMax; at += 1) {
      const { pathname, search } = new URL(url)
      const poll = await arm.ask('GET', `${pathname}${search}`, { headers })
      expect([200, 202], `${step.does}: ${JSON.stringify(poll.body)}`).toContain(poll.status)
      const { status = poll.status === 200 ? 'Succeeded' : 'InProgress' } = poll.body
      if (status === 'Succeeded') return
      expect(status, `${step.does}: ${JSON.stringify(poll.body)}`).toBe('InProgress')
      expect(poll.headers.get('retry-after')).toMatch(/^\d+$/)
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    throw new Error(`${step.does} did not end`)
  }

  /** With the names of this installation. */
  function placed<Value extends JsonObject | string>(arm: Arm, value: Value): Value {
    const names = { s: `/subscriptions/${vitrine.subscription}`, g: arm.groupPath }
    const text = JSON.stringify(value)
      .replaceAll('{s}', names.s)
      .replaceAll('{g}', names.g)
      .replaceAll('{n}', arm.groupPath.slice(-1))
      .replaceAll('{image}', arm.idOf('images/source'))
      .replaceAll('{disk}', arm.idOf('disks/os'))
    return JSON.parse(text)
  }
})
