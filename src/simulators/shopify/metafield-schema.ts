/** What the simulated shop answers of metafields: part of its schema. */
export const metafieldTypes = `type Metafield implements Node {
  id: ID! namespace: String! key: String! type: String! value: String! compareDigest: String!
}
input MetafieldsSetInput { ownerId: ID! namespace: String key: String! type: String value: String! compareDigest: String }
enum MetafieldsSetUserErrorCode { BLANK INVALID INVALID_TYPE INVALID_VALUE STALE_OBJECT }
type MetafieldsSetUserError implements DisplayableError {
  code: MetafieldsSetUserErrorCode elementIndex: Int field: [String!] message: String!
}
type MetafieldsSetPayload { metafields: [Metafield!] userErrors: [MetafieldsSetUserError!]! }`;
