/** What our command line signs people in with: known to every installation, and without a secret. */
export const ownClientId = '5d3b7c1e-90c4-4f0f-8f0a-6b1de4a3a7f1'
