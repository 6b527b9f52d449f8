//! What servers ask of the person.

use prokura_domain::form::{Format, Input, Offer};
use prokura_domain::{Field, Form, Json, Page, Question, QuestionKind, QuestionState};

use crate::Api;
use crate::failure::{Failure, FailureCode};
use crate::pieces::pieces;
use crate::places::places;
use crate::view::{ElicitationView, FieldView, OfferView, PageView, ServerView};

impl Api {
    /// Says whether Prokura shows what a server asks of agents that cannot show it.
    ///
    /// # Errors
    /// [`Failure`] when there is no such server, or it cannot be recorded.
    pub async fn server_questions(&self, server: String, on: bool) -> Result<ServerView, Failure> {
        let server = self.server_named(&server)?;
        self.0.delegation.show_questions(&server, on).await?;
        self.server_view(&server, &self.store().grants()?)
    }

    /// The address of the page that a question is about, for the person who agreed to visit it.
    ///
    /// # Errors
    /// [`Failure`] when the question is about none, is settled, or the page is not one to be opened.
    pub async fn page_of(&self, approval: String) -> Result<String, Failure> {
        let view = self.approval(approval).await?;
        let open = view.elicitation.filter(|_| view.state == QuestionState::Pending.as_str());
        open.and_then(|asked| asked.page).and_then(|page| page.opens).ok_or_else(|| {
            Failure::new(
                FailureCode::BadRequest,
                "There is no page to be opened for this question.",
                "Decline it, or cancel it.",
            )
        })
    }
}

/// What is shown of it while it waits. Once it is settled nothing of what was asked is kept.
pub(crate) fn elicitation_view(question: &Question) -> Option<ElicitationView> {
    let QuestionKind::Elicitation { mode, .. } = &question.kind else { return None };
    let waits = question.state == QuestionState::Pending && !question.params.is_empty();
    let params = Json::read(question.params.as_bytes()).ok().filter(|_| waits);
    let params = params.unwrap_or_else(|| Json::Object(Vec::new()));
    let message = params.member("message").and_then(Json::as_str).unwrap_or_default();
    let fields = Form::of(&params).map(|form| form.fields).unwrap_or_default();
    Some(ElicitationView {
        mode: mode.as_str().to_owned(),
        message: pieces(message),
        fields: fields.iter().map(field).collect(),
        page: params.member("url").map(|_| page(&Page::of(&params))),
    })
}

fn field(field: &Field) -> FieldView {
    let (input, format, offers) = match &field.input {
        Input::Text { format, .. } => ("text", format.map(word), &[] as &[Offer]),
        Input::Number { .. } => ("number", None, &[] as &[Offer]),
        Input::Switch => ("switch", None, &[] as &[Offer]),
        Input::One(offers) => ("one", None, offers.as_slice()),
        Input::Many { offers, .. } => ("many", None, offers.as_slice()),
    };
    FieldView {
        name: field.name.clone(),
        label: pieces(field.called()),
        description: field.description.as_deref().map(pieces),
        required: field.required,
        input: input.to_owned(),
        format: format.map(str::to_owned),
        rule: field.rule(),
        offers: offers.iter().map(offer).collect(),
        default: field.default.clone(),
        secret: field.wants_secret(),
    }
}

fn word(format: Format) -> &'static str {
    match format {
        Format::Email => "email",
        Format::Uri => "uri",
        Format::Date => "date",
        Format::DateTime => "date-time",
    }
}

fn offer(offer: &Offer) -> OfferView {
    let title = offer.title.as_deref().filter(|title| *title != offer.value);
    OfferView {
        value: offer.value.clone(),
        label: pieces(title.unwrap_or(&offer.value)),
        sent: title.map(|_| pieces(&offer.value)),
    }
}

fn page(page: &Page) -> PageView {
    let shown = page.url.as_ref().map_or(page.written.as_str(), |url| url.as_str());
    // What was written may look like another host than the one it leads to.
    let place = places(&page.written).into_iter().next();
    let host = page.url.as_ref().and_then(|url| {
        let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
        url.host().map(|host| format!("{host}{port}"))
    });
    PageView {
        url: pieces(shown),
        opens: page.openable().map(|url| url.as_str().to_owned()),
        host: pieces(&host.unwrap_or_default()),
        warning: place.and_then(|place| place.warning),
        refused: page.refused.map(str::to_owned),
    }
}
