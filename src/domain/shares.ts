/** A gallery is shared to a subscription or tenant, by its id, or to everybody, under a public name. */
export type Share = {
  readonly kind: 'Subscription' | 'Tenant' | 'Community'
  /** Compared in lower case. */
  readonly target: string
}

/** What reaches whoever is in this subscription. */
export function sharesTo(subscription: string, tenantId: string): readonly Share[] {
  return [
    { kind: 'Subscription', target: subscription },
    { kind: 'Tenant', target: tenantId },
  ]
}

/** Of the region: where a page goes on and how long it is, or the one key that is looked for. */
export type PageOf = {
  readonly region: string
  readonly after?: string | undefined
  readonly rowsMax: number
  readonly only?: string | undefined
}

/** What galleries are shared to. Keys are those of resources; what is being deleted is not told. */
export type ShareRows = {
  /** Those of one gallery. Inside a transaction: from now on exactly these; what a target decided stays. */
  replace(galleryKey: string, shares: readonly Share[]): Promise<void>
  /** True when one of these has the gallery and did not reject it. */
  reaches(galleryKey: string, shares: readonly Share[]): Promise<boolean>
  /** The gallery that is shared to everybody under this name. */
  galleryOf(publicName: string): Promise<string | undefined>
  /** The key of one below `key` that is shared to everybody. */
  communityBelow(key: string): Promise<string | undefined>
  /** Its target does not want it, or does again. False when it is not shared to it. */
  decide(galleryKey: string, share: Share, isRejected: boolean): Promise<boolean>
  /**
   * Galleries that are shared to `target`, or of this kind to anybody: those of the region, or with a version that is
   * usable there. In the order of the names by which they are known there, never of their keys: cursors are told.
   */
  galleries(
    query: PageOf & {
      readonly kind: Share['kind']
      readonly target: string | undefined
    },
  ): Promise<readonly SortedKey[]>
  /** Definitions of a gallery by name: those of the region, or with a version that is usable there. */
  definitions(query: PageOf & { readonly galleryKey: string }): Promise<readonly SortedKey[]>
  /** Versions of a definition that are usable in the region, in their order. */
  versions(query: PageOf & { readonly definitionKey: string }): Promise<readonly SortedKey[]>
}

/** `sort`: what a next page goes on after. */
export type SortedKey = { readonly key: string; readonly sort: string }
