import { mount } from "svelte";
import ApprovalWindow from "./approvals/ApprovalWindow.svelte";
import { language } from "./lang/messages.svelte";
import Root from "./lang/Root.svelte";
import "./parts/tokens.css";

const target = document.getElementById("app");
if (target) void language.start().then(() => mount(Root, { target, props: { content: ApprovalWindow, title: "approvals.window_title" } }));
