/** Loaded before a process that is to have a wrong clock: its wall clock is VITRINE_TEST_SKEW_MS ahead. */
const aheadMs = Number(process.env.VITRINE_TEST_SKEW_MS)
const RightDate = Date

class SkewedDate extends RightDate {
  constructor(...given: []) {
    if (given.length > 0) super(...given)
    else super(RightDate.now() + aheadMs)
  }

  static override now(): number {
    return RightDate.now() + aheadMs
  }
}

globalThis.Date = SkewedDate as DateConstructor
