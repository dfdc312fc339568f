import { expect, it } from 'vitest'
import { ClientError } from './client-error.ts'

it('what helps against damage is told also where no other region has the version', () => {
  const { nextStep } = new ClientError({ code: 'ImageDamaged', message: 'It is.' })
  expect(nextStep).toContain('vitrine image-version health')
  expect(nextStep).toContain('publish the version again from its source file')
})
