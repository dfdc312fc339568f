/** Names are the same in any case, values are not. */
export type Tags = Readonly<Record<string, string>>

/** How much of a subscription has a tag; values in no order. */
export type TagCount = {
  readonly name: string
  /** Of its resources and groups, counted up to `tagsCountedMax`. */
  readonly count: number
  readonly values: readonly { readonly value: string; readonly count: number }[]
}

/** Of one name; what is more is not counted. */
export const tagsCountedMax = 10_000

/** Subscriptions are named by their ids in any case. */
export type TagRows = {
  ofSubscription(subscription: string): Promise<Tags>
  /** Those of all of them that have some, by lower-case id. */
  ofSubscriptions(subscriptions: readonly string[]): Promise<ReadonlyMap<string, Tags>>
  /** The same, inside a `write`: until its end nobody else changes them. */
  lockOfSubscription(subscription: string): Promise<Tags>
  putOfSubscription(subscription: string, tags: Tags): Promise<void>
  /**
   * One page of the names that resources and groups of the subscription have, or that were made ahead, or that are among
   * `more`; `next` is what to go on after. What was made ahead alone is counted 0.
   */
  names(query: {
    readonly subscription: string
    readonly more: readonly string[]
    readonly after: string | undefined
    readonly rowsMax: number
  }): Promise<{ readonly names: readonly TagCount[]; readonly next: string | undefined }>
  /** One name; undefined when nothing has it and nobody made it. */
  name(subscription: string, name: string): Promise<TagCount | undefined>
  /** Makes a name ahead of its use, or a value of one; false when it was made before, `full`: there are too many. */
  predefine(subscription: string, name: string, value?: string): Promise<boolean | 'full'>
  isPredefined(subscription: string, name: string, value?: string): Promise<boolean>
  /** Takes it back; a name with its values. False when nobody had made it. */
  forget(subscription: string, name: string, value?: string): Promise<boolean>
  /** Keys of resources with the tag, and the value if one is named, from after one of them: as its `cursor` says. */
  keysWith(query: {
    readonly subscription: string
    readonly name: string
    readonly value: string | undefined
    readonly after: string | undefined
    readonly rowsMax: number
  }): Promise<readonly { readonly key: string; readonly cursor: string }[]>
}
