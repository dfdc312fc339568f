import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Arm, errorOf, openArm } from '../support/arm.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'

const api = '2021-04-01'
const many = Array.from({ length: 12 }, (_, index) => index)

describe('deployments that are begun at once', () => {
  let vitrine: TestInstallation
  let arm: Arm
  beforeAll(async () => {
    vitrine = await openTestInstallation()
    arm = openArm(vitrine)
  })
  afterAll(() => vitrine.close())

  it('under one name of a subscription: each that is accepted ends, the others are told that one is active', async () => {
    const path = `/subscriptions/${vitrine.subscription}/providers/Microsoft.Resources/deployments/one`
    const template = {
      $schema:
        'https://schema.management.azure.com/schemas/2018-05-01/subscriptionDeploymentTemplate.json#',
      contentVersion: '1.0.0.0',
      resources: [],
    }
    const answers = await Promise.all(
      many.map((index) => {
        const outputs = { index: { type: 'int', value: index } }
        const properties = { mode: 'Incremental', template: { ...template, outputs } }
        return arm.put(path, { location: 'westeurope', properties }, api)
      }),
    )
    const accepted = answers.filter(({ status }) => status < 300)
    expect(accepted.filter(({ status }) => status === 201)).toHaveLength(1)
    for (const answer of accepted) {
      expect(await arm.ended(answer)).toEqual({ status: 'Succeeded' })
    }
    for (const answer of answers.filter((each) => !accepted.includes(each)))
      expect(errorOf(answer)).toMatchObject({ code: 'DeploymentActive' })
  })
})
