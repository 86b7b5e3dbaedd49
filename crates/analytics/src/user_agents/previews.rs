//! Words of programs that fetch a page to show a preview of a link: chat apps, social networks, mail
//! programs, and services that create previews for others.
//!
//! Each is recognised by a word that its vendor has published or that its program sends. Apps
//! whose built-in browser has a similar name (Telegram, Snapchat, LINE, Pinterest) are
//! distinguished from their fetchers by the complete word.

use super::rule::{Place, Sign};
use super::words::Words;

/// The words of these programs.
pub(super) const WORDS: &[Words] = &[
    Words {
        sign: Sign::Preview,
        place: Place::Start,
        any_of: STARTS,
    },
    Words {
        sign: Sign::Preview,
        place: Place::Anywhere,
        any_of: ANYWHERE,
    },
    Words {
        sign: Sign::Preview,
        place: Place::Opening,
        any_of: OPENINGS,
    },
];

/// Beginnings of words.
const STARTS: &[&str] = &[
    // developers.facebook.com/docs/sharing/webmasters/web-crawlers; iMessage, Signal for iOS, LINE
    // and KakaoTalk send it too.
    "facebookexternalhit",
    "facebot",
    "facebookexternalua",
    "meta-externalhit/",
    "meta-externalfetcher/",
    // developer.x.com/en/docs/x-for-websites/cards/guides/getting-started
    "twitterbot",
    // api.slack.com/robots
    "slackbot-linkexpanding",
    "slack-imgproxy",
    "slackbot/",
    "slackbot 1",
    // Discord, Telegram, WhatsApp, Viber, Skype and Teams, LinkedIn, Reddit, VK, Odnoklassniki
    "discordbot",
    "telegrambot",
    "whatsapp/",
    "skypeuripreview",
    "skype-url-preview",
    "linkedinbot",
    "redditbot",
    "vkshare",
    "vkrobot",
    "odklbot",
    "ok.ru/robots",
    // developers.snap.com/robots
    "snap url preview",
    "snapurlpreview",
    "kakaotalk-scrap",
    "line-poker",
    "pinterest/0.",
    "groupmebot",
    "keybasebot",
    "zulipurlpreview",
    "mattermost-bot",
    "steamchaturllookup",
    "teamspeak3-imagefetcher",
    "dingtalkbot-linkservice",
    "chatwork linkpreview",
    "gg peekbot",
    "googlemessages/",
    "google-pagerenderer",
    // Google's networks and chat apps
    "developers.google.com/+/web/snippet",
    // aka.ms/MicrosoftPreview
    "microsoftpreview",
    // The Fediverse, Matrix, Bluesky, forums
    "mastodon/",
    "summalybot",
    "bluesky cardyb",
    "blueskypreviewbot",
    "gotosocial",
    "matrix-org/synapse",
    "element-hq/synapse",
    "discourse forum onebox",
    "nextcloud server crawler",
    // Mail
    "yahoo link preview",
    "mixmax-linkpreview",
    "shortwave image fetcher",
    // Team tools
    "notionembedder",
    "clickuplinkunfurler",
    "evernoterichlinkbot",
    "bitrix link preview",
    "websitemetadataretriever",
    "bufferlinkpreviewbot",
    "xing-contenttabreceiver",
    "mediumbot-metatagfetcher",
    "quora link preview",
    "orlo-linkpreview",
    // Services that create previews for others
    "embedly",
    "iframely",
    "opengraph.io/",
    "unfurlist",
    "opengraph-client",
    "metascraper",
    "unfurlbot",
    // A fetcher of a magazine for links that its readers share
    "flipboardproxy",
    "flipboardbrowserproxy",
];

/// Beginnings of the user agent.
const OPENINGS: &[&str] = &[
    "whatsapp",
    "viber",
    "signal-",
    "pleroma ",
    "akkoma ",
    "misskey/",
    "friendica ",
    "lemmy/",
    "synapse/",
    "synapse (",
    "mattermost-",
    "bluesky/",
    "notion/",
    "codabot/",
    "tumblr/",
];

/// Parts of words.
const ANYWHERE: &[&str] = &[
    "linkpreview",
    "link preview",
    "link-preview",
    "url preview",
    "url-preview",
    "unfurl",
];

#[cfg(test)]
mod tests {
    use super::super::rule::{Kind, Rule};

    fn is_preview(text: &str) -> bool {
        Rule::with_names([]).tell(text) == Kind::Preview
    }

    #[test]
    fn imessage_is_known_though_it_says_it_is_safari() {
        assert!(is_preview(
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_11_1) AppleWebKit/601.2.4 (KHTML, like Gecko) \
             Version/9.0.1 Safari/601.2.4 facebookexternalhit/1.1 Facebot Twitterbot/1.0"
        ));
    }

    #[test]
    fn the_browsers_inside_messengers_are_people() {
        for text in [
            "Mozilla/5.0 (Linux; Android 14; Pixel 8; wv) AppleWebKit/537.36 (KHTML, like Gecko) \
             Version/4.0 Chrome/141.0.0.0 Mobile Safari/537.36 Telegram-Android/11.4.2 (Google Pixel 8)",
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like \
             Gecko) Mobile/15E148 Safari/604.1 Snapchat/13.9.0.42 (like Safari/604.1)",
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like \
             Gecko) Mobile/15E148 Safari Line/15.0.0",
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like \
             Gecko) Mobile/15E148 [FBAN/FBIOS;FBAV/480.0.0.0;FBDV/iPhone14,7;FBSN/iOS]",
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like \
             Gecko) Mobile/15E148 [Pinterest/iOS]",
        ] {
            assert!(!is_preview(text), "{text}");
        }
    }
}
