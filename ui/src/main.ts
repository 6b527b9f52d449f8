import { mount } from "svelte";
import App from "./home/App.svelte";
import "./parts/tokens.css";

const target = document.getElementById("app");
if (target) mount(App, { target });
