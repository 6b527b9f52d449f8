declare module "virtual:messages/*" {
  import type { MessageFormatElement } from "@formatjs/icu-messageformat-parser";

  /** What needs nothing put in is a text already. */
  export type Messages = Readonly<Record<string, string | MessageFormatElement[]>>;
  const messages: Messages;
  export default messages;
}
