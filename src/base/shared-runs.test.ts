import { expect, test } from 'vitest'
import { openSharedRuns } from './shared-runs.ts'

test('who asks while one runs shares a run that begins after; keys do not wait for each other', async () => {
  const begun: { key: string; end: (error?: Error) => void }[] = []
  const ask = openSharedRuns((key) => {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    begun.push({ key, end: (error) => (error ? reject(error) : resolve()) })
    return promise
  })
  const first = ask('a')
  const shared = [ask('a'), ask('a'), ask('a')]
  const other = ask('b')
  expect(begun.map(({ key }) => key)).toEqual(['a', 'b'])
  begun[0]?.end(new Error('torn'))
  begun[1]?.end()
  await expect(first).rejects.toThrow('torn')
  await other
  await expect.poll(() => begun.map(({ key }) => key)).toEqual(['a', 'b', 'a'])
  // That one is under way: it may have begun too early for who comes now.
  const later = ask('a')
  begun[2]?.end()
  await Promise.all(shared)
  await expect.poll(() => begun.length).toBe(4)
  begun[3]?.end()
  await later
  const again = ask('a')
  expect(begun).toHaveLength(5)
  begun[4]?.end()
  await again
})
