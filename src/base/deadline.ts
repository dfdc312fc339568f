/** What `promise` gives, or `late()` when it takes longer than `ms`: then it goes on unheard. */
export async function withDeadline<Result>(
  promise: Promise<Result>,
  ms: number,
  late: () => Result,
): Promise<Result> {
  const tooLate = Promise.withResolvers<Result>()
  const timer = setTimeout(() => {
    // Nobody hears how it ends.
    promise.catch(() => undefined)
    tooLate.resolve(late())
  }, ms)
  try {
    return await Promise.race([promise, tooLate.promise])
  } finally {
    clearTimeout(timer)
  }
}
