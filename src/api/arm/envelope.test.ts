import { expect, it } from 'vitest'
import { SpaceFull, Unavailable } from '../../domain/errors.ts'
import { errorAnswer } from './envelope.ts'

it.each([
  [new Unavailable('the blob x at /data/spaces: EIO'), 503, 'ServiceUnavailable', 'is away'],
  [new SpaceFull('no room left for /data/spaces/x'), 507, 'StorageFull', 'no room left'],
  [new Error('/data/vitrine.db'), 500, 'InternalServerError', 'internal error'],
])('%s is told without a path of the server, under an id that the log has', (error, ...told) => {
  const [status, code, means] = told
  const answer = errorAnswer(error, 'trace-1')
  const message = expect.stringMatching(new RegExp(`${means}.*correlation id trace-1\\.$`))
  expect(answer).toMatchObject({ status, body: { error: { code, message } } })
  expect(JSON.stringify(answer)).not.toContain('/data')
})
