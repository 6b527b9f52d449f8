import { mount } from "svelte";
import App from "./home/App.svelte";
import { language } from "./lang/messages.svelte";
import Root from "./lang/Root.svelte";
import "./parts/tokens.css";

const target = document.getElementById("app");
if (target) void language.start().then(() => mount(Root, { target, props: { content: App } }));
