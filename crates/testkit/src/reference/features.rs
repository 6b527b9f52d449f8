//! What rmcp asks of the reference server.

use rmcp::model::{
    CacheScope, CallToolRequestParams, CallToolResponse, CancelTaskParams, CompleteRequestParams,
    CompleteResult, CompletionInfo, ContentBlock, GetPromptRequestParams, GetPromptResponse,
    GetPromptResult, GetTaskParams, GetTaskResult, ImageContent, Implementation,
    InitializeRequestParams, InitializeResult, InputRequiredResult, InputResponses,
    ListPromptsResult, ListResourceTemplatesResult, ListResourcesResult, ListToolsResult,
    PaginatedRequestParams, PromptMessage, ReadResourceRequestParams, ReadResourceResponse,
    ReadResourceResult, ResourceContents, Role, ServerInfo, SetLevelRequestParams,
    SubscribeRequestParams, SubscriptionFilter, Tool, UnsubscribeRequestParams, UpdateTaskParams,
};
use rmcp::service::{RequestContext, SubscriptionContext};
use rmcp::{ErrorData, RoleServer, ServerHandler};
use serde_json::{Value, json};

use super::asking::{answer, needed, person};
use super::content::IMAGE;
use super::{Conversation, asking, capabilities, content, definitions, jobs};

/// How long lists may be kept.
const TTL_MS: u64 = 60_000;

type Context = RequestContext<RoleServer>;
type Page = Option<PaginatedRequestParams>;

macro_rules! cached {
    ($result:expr) => {
        $result.with_ttl_ms(TTL_MS).with_cache_scope(CacheScope::Public)
    };
}

impl ServerHandler for Conversation {
    fn get_info(&self) -> ServerInfo {
        ServerInfo::new(capabilities())
            .with_server_info(Implementation::new("prokura-reference", "1.0.0"))
            .with_instructions("A server for the official conformance suite.")
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        (name == "test_custom_header").then(definitions::custom_header)
    }

    async fn initialize(
        &self,
        request: InitializeRequestParams,
        _context: Context,
    ) -> Result<InitializeResult, ErrorData> {
        let info = self.get_info();
        Ok(InitializeResult::new(info.capabilities)
            .with_protocol_version(request.protocol_version)
            .with_server_info(info.server_info))
    }

    fn accepted_subscription_filter(
        &self,
        requested: &SubscriptionFilter,
    ) -> Option<SubscriptionFilter> {
        Some(requested.supported_by(&capabilities()))
    }

    async fn listen(&self, context: SubscriptionContext) -> Result<(), ErrorData> {
        let key = self.0.add_listener(context.sink().clone());
        context.cancelled().await;
        self.0.remove_listener(key);
        Ok(())
    }

    async fn get_task(
        &self,
        request: GetTaskParams,
        _context: Context,
    ) -> Result<GetTaskResult, ErrorData> {
        Ok(GetTaskResult::new(self.0.tasks.get_task(&request.task_id)?))
    }

    async fn update_task(
        &self,
        request: UpdateTaskParams,
        _context: Context,
    ) -> Result<(), ErrorData> {
        self.0.tasks.update_task(&request.task_id, request.input_responses)
    }

    async fn cancel_task(
        &self,
        request: CancelTaskParams,
        _context: Context,
    ) -> Result<(), ErrorData> {
        self.0.tasks.cancel_task(&request.task_id)
    }

    async fn list_tools(
        &self,
        _page: Page,
        _context: Context,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(cached!(ListToolsResult { tools: definitions::tools(), ..Default::default() }))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: Context,
    ) -> Result<CallToolResponse, ErrorData> {
        let given = (request.input_responses.clone(), request.request_state.clone());
        let declared = context.client_capabilities().unwrap_or_default();
        let step = asking::live(&context, given, |given, state| {
            let mut request = request.clone();
            request.input_responses = given;
            request.request_state = state;
            let arguments = request.arguments.clone().unwrap_or_default();
            let answered = asking::call(&self.0, &request, &declared).or_else(|| {
                asking::said_back(&request.name, &arguments, request.input_responses.as_ref())
            });
            Ok(match answered.transpose()? {
                Some(CallToolResponse::InputRequired(asked)) => asking::Step::Ask(asked),
                other => asking::Step::Done(other),
            })
        });
        match step.await? {
            asking::Step::Ask(asked) => return Ok(asked.into()),
            asking::Step::Done(Some(answered)) => return Ok(answered),
            asking::Step::Done(None) => {}
        }
        if let Some(answered) = jobs::call(&self.0, &request, &context).await {
            return answered;
        }
        let arguments = request.arguments.unwrap_or_default();
        let answered = content::call(&self.0, &request.name, &arguments, &context).await;
        answered.unwrap_or_else(|| {
            Err(ErrorData::invalid_params(format!("Unknown tool: {}", request.name), None))
        })
    }

    async fn list_resources(
        &self,
        _page: Page,
        _context: Context,
    ) -> Result<ListResourcesResult, ErrorData> {
        let resources = definitions::resources();
        Ok(cached!(ListResourcesResult { resources, ..Default::default() }))
    }

    async fn list_resource_templates(
        &self,
        _page: Page,
        _context: Context,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        let resource_templates = definitions::templates();
        Ok(cached!(ListResourceTemplatesResult { resource_templates, ..Default::default() }))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        _context: Context,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let contents = read(&request.uri).ok_or_else(|| {
            ErrorData::resource_not_found("Resource not found", Some(json!({ "uri": request.uri })))
        })?;
        Ok(cached!(ReadResourceResult::new(vec![contents])).into())
    }

    async fn subscribe(
        &self,
        _request: SubscribeRequestParams,
        _context: Context,
    ) -> Result<(), ErrorData> {
        Ok(())
    }

    async fn unsubscribe(
        &self,
        _request: UnsubscribeRequestParams,
        _context: Context,
    ) -> Result<(), ErrorData> {
        Ok(())
    }

    async fn list_prompts(
        &self,
        _page: Page,
        _context: Context,
    ) -> Result<ListPromptsResult, ErrorData> {
        let prompts = definitions::prompts();
        Ok(cached!(ListPromptsResult { prompts, ..Default::default() }))
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        context: Context,
    ) -> Result<GetPromptResponse, ErrorData> {
        if request.name == "test_input_required_result_prompt" {
            let given = (request.input_responses.clone(), None);
            let step = asking::live(&context, given, |given, _| asking_prompt(given.as_ref()));
            return Ok(match step.await? {
                asking::Step::Ask(asked) => asked.into(),
                asking::Step::Done(result) => result.into(),
            });
        }
        let messages = prompt(&request).ok_or_else(|| {
            ErrorData::invalid_params(format!("Unknown prompt: {}", request.name), None)
        })?;
        Ok(GetPromptResult::new(messages).with_description("A test prompt").into())
    }

    async fn complete(
        &self,
        request: CompleteRequestParams,
        _context: Context,
    ) -> Result<CompleteResult, ErrorData> {
        let known = ["paris", "park", "party"].into_iter().map(str::to_owned);
        let values = known.filter(|word| word.starts_with(&request.argument.value)).collect();
        let info =
            CompletionInfo::new(values).map_err(|error| ErrorData::internal_error(error, None))?;
        Ok(CompleteResult::new(info))
    }

    async fn set_level(
        &self,
        _request: SetLevelRequestParams,
        _context: Context,
    ) -> Result<(), ErrorData> {
        Ok(())
    }
}

fn read(uri: &str) -> Option<ResourceContents> {
    let text = |mime: &str, text: String| ResourceContents::TextResourceContents {
        uri: uri.into(),
        mime_type: Some(mime.into()),
        text,
        meta: None,
    };
    let by_id = uri.strip_prefix("test://template/").and_then(|rest| rest.strip_suffix("/data"));
    match (uri, by_id) {
        ("test://static-text" | "test://watched-resource", _) => {
            Some(text("text/plain", "This is the content of the static text resource.".to_owned()))
        }
        ("test://static-binary", _) => Some(ResourceContents::BlobResourceContents {
            uri: uri.into(),
            mime_type: Some("image/png".into()),
            blob: IMAGE.into(),
            meta: None,
        }),
        (_, Some(id)) => {
            let data =
                json!({ "id": id, "templateTest": true, "data": format!("Data for ID: {id}") });
            Some(text("application/json", data.to_string()))
        }
        _ => None,
    }
}

fn prompt(request: &GetPromptRequestParams) -> Option<Vec<PromptMessage>> {
    let argument = |name: &str| {
        let given = request.arguments.as_ref().and_then(|given| given.get(name));
        given.and_then(Value::as_str).unwrap_or("").to_owned()
    };
    let said = |text: String| PromptMessage::new_text(Role::User, text);
    Some(match request.name.as_str() {
        "test_simple_prompt" => vec![said("This is a simple prompt for testing.".to_owned())],
        "test_prompt_with_arguments" => vec![said(format!(
            "Prompt with arguments: arg1='{}', arg2='{}'",
            argument("arg1"),
            argument("arg2")
        ))],
        "test_prompt_with_embedded_resource" => vec![
            PromptMessage::new_resource(
                Role::User,
                argument("resourceUri"),
                Some("text/plain".into()),
                Some("Embedded resource content for testing.".into()),
                None,
                None,
                None,
            ),
            said("Please process the embedded resource above.".to_owned()),
        ],
        "test_prompt_with_image" => {
            let image = ContentBlock::Image(ImageContent::new(IMAGE, "image/png"));
            vec![
                PromptMessage::new(Role::User, image),
                said("Please look at the image.".to_owned()),
            ]
        }
        _ => return None,
    })
}

fn asking_prompt(
    given: Option<&InputResponses>,
) -> Result<asking::Step<GetPromptResult>, ErrorData> {
    let Some(given) = answer(given, "user_context") else {
        let asked = needed([("user_context", person("Which context?", "context", "string")?)]);
        return Ok(asking::Step::Ask(InputRequiredResult::from_input_requests(asked)));
    };
    let context = given.get("content").and_then(|content| content.get("context"));
    let text = format!("Context: {}", context.and_then(Value::as_str).unwrap_or("none"));
    let said = PromptMessage::new_text(Role::User, text);
    Ok(asking::Step::Done(GetPromptResult::new(vec![said])))
}
