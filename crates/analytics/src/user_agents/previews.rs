//! User agents that fetch a page to show a preview of a link: chat apps, social networks, mail
//! programs, and services that create previews for others.
//!
//! Each is recognised by a token that its vendor has published or that its program sends. Apps
//! whose built-in browser has a similar name (Telegram, Snapchat, LINE, Pinterest) are
//! distinguished from their fetchers by the complete token.

/// Tokens anywhere in the user agent, case-sensitive.
const TOKENS: &[&str] = &[
    // developers.facebook.com/docs/sharing/webmasters/web-crawlers; iMessage, Signal for iOS, LINE
    // and KakaoTalk send it too.
    "facebookexternalhit",
    "Facebot",
    "facebookexternalua",
    "Meta-ExternalHit/",
    "meta-externalfetcher/",
    // developer.x.com/en/docs/x-for-websites/cards/guides/getting-started
    "Twitterbot",
    // api.slack.com/robots
    "Slackbot-LinkExpanding",
    "Slack-ImgProxy",
    "Slackbot ",
    // Discord, Telegram, WhatsApp, Viber, Skype and Teams, LinkedIn, Reddit, VK, Odnoklassniki
    "Discordbot",
    "TelegramBot",
    "SkypeUriPreview",
    "skype-url-preview",
    "LinkedInBot",
    "redditbot",
    "vkShare",
    "VKRobot",
    "OdklBot",
    "ok.ru/robots",
    // developers.snap.com/robots
    "Snap URL Preview",
    "SnapURLPreview",
    "kakaotalk-scrap",
    "line-poker",
    "Pinterest/0.",
    "GroupMeBot",
    "KeybaseBot",
    "ZulipURLPreview",
    "Mattermost-Bot",
    "SteamChatURLLookup",
    "TeamSpeak3-ImageFetcher",
    "DingTalkBot-LinkService",
    "Chatwork LinkPreview",
    "GG PeekBot",
    "GoogleMessages/",
    "Google-PageRenderer",
    // Google's networks and chat apps
    "developers.google.com/+/web/snippet",
    // aka.ms/MicrosoftPreview
    "MicrosoftPreview",
    // The Fediverse, Matrix, Bluesky, forums
    "(Mastodon/",
    "SummalyBot",
    "Bluesky Cardyb",
    "BlueskyPreviewBot",
    "gotosocial",
    "matrix-org/synapse",
    "element-hq/synapse",
    "Discourse Forum Onebox",
    "Nextcloud Server Crawler",
    // Mail
    "Yahoo Link Preview",
    "Mixmax-LinkPreview",
    "Shortwave Image Fetcher",
    // Team tools
    "NotionEmbedder",
    "ClickUpLinkUnfurler",
    "EvernoteRichLinkBot",
    "Bitrix link preview",
    "WebsiteMetadataRetriever",
    "BufferLinkPreviewBot",
    "XING-contenttabreceiver",
    "Mediumbot-MetaTagFetcher",
    "Quora Link Preview",
    "Orlo-LinkPreview",
    // Services that create previews for others
    "Embedly",
    "Iframely",
    "OpenGraph.io/",
    "unfurlist",
    "opengraph-client",
    "metascraper",
    "UnfurlBot",
    "LinkPreview",
    // A fetcher of a magazine for links that its readers share
    "FlipboardProxy",
    "FlipboardBrowserProxy",
];

/// Tokens at the beginning of the user agent.
const BEGINNINGS: &[&str] = &[
    "WhatsApp",
    "Viber",
    "Signal-",
    "Mastodon/",
    "Pleroma ",
    "Akkoma ",
    "Misskey/",
    "Friendica ",
    "Lemmy/",
    "Synapse/",
    "Synapse (",
    "mattermost-",
    "Bluesky/",
    "Notion/",
    "CodaBot/",
    "Tumblr/",
];

/// Whether a user agent fetches previews.
pub(super) fn is_preview(text: &str) -> bool {
    BEGINNINGS.iter().any(|token| text.starts_with(token))
        || TOKENS.iter().any(|token| text.contains(token))
}

#[cfg(test)]
mod tests {
    use super::*;

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
