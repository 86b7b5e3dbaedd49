//! Words in user agents, and what they are evidence of. All are in lower case, separated by `|`, and
//! found without regard to case.

use super::rule::{Place, Sign};

/// The words of one kind.
pub(super) struct Words {
    pub(super) sign: Sign,
    pub(super) place: Place,
    pub(super) any_of: &'static [&'static str],
}

/// All words but the names of the list.
pub(super) const WORDS: &[Words] = &[
    Words {
        sign: Sign::Mozilla,
        place: Place::Anywhere,
        any_of: &["mozilla/"],
    },
    Words {
        sign: Sign::WebKit,
        place: Place::Anywhere,
        any_of: &["applewebkit/"],
    },
    Words {
        sign: Sign::System,
        place: Place::Anywhere,
        any_of: SYSTEMS,
    },
    Words {
        sign: Sign::Engine,
        place: Place::Anywhere,
        any_of: ENGINES,
    },
    Words {
        sign: Sign::Device,
        place: Place::Anywhere,
        any_of: &["android| build/|iphone|ipad|ipod|dpi;|scale=|scale/|ios "],
    },
    Words {
        sign: Sign::Compatible,
        place: Place::Word,
        any_of: &["compatible"],
    },
    Words {
        sign: Sign::Historic,
        place: Place::Start,
        any_of: HISTORIC,
    },
    Words {
        sign: Sign::Phone,
        place: Place::Anywhere,
        any_of: PHONES,
    },
    Words {
        sign: Sign::Phone,
        place: Place::Opening,
        any_of: OPENINGS,
    },
    Words {
        sign: Sign::App,
        place: Place::Start,
        any_of: APPS,
    },
    Words {
        sign: Sign::Library,
        place: Place::Opening,
        any_of: LIBRARIES,
    },
    Words {
        sign: Sign::Task,
        place: Place::Anywhere,
        any_of: TASKS,
    },
    Words {
        sign: Sign::Program,
        place: Place::End,
        any_of: PROGRAM_ENDINGS,
    },
    Words {
        sign: Sign::Program,
        place: Place::Start,
        any_of: PROGRAM_BEGINNINGS,
    },
    Words {
        sign: Sign::Program,
        place: Place::Word,
        any_of: PROGRAMS,
    },
    Words {
        sign: Sign::Purpose,
        place: Place::End,
        any_of: PURPOSES,
    },
    Words {
        sign: Sign::Purpose,
        place: Place::Word,
        any_of: &["splash|feed|archive|grader|survey"],
    },
    Words {
        sign: Sign::Service,
        place: Place::Word,
        any_of: SERVICES,
    },
    Words {
        sign: Sign::Electron,
        place: Place::Start,
        any_of: &["electron/|atomshell/"],
    },
    Words {
        sign: Sign::Contact,
        place: Place::Anywhere,
        any_of: &["://|+http|www.|@"],
    },
    Words {
        sign: Sign::Domain,
        place: Place::End,
        any_of: &[".com|.net|.org|.io|.co|.ai|.dev|.info"],
    },
    Words {
        sign: Sign::LikeGecko,
        place: Place::Anywhere,
        any_of: &["like gecko"],
    },
];

/// Operating systems and devices with a browser.
const SYSTEMS: &[&str] = &[
    "windows|macintosh|mac os|mac_powerpc|macos|ppc mac|darwin|x11|linux|android|iphone|ipad",
    "ipod|cros |fuchsia|harmony|freebsd|openbsd|netbsd|dragonfly|sunos|hp-ux|irix|unix|cygwin",
    "haiku|beos|os/2|amiga|morphos|aros|risc os|syllable|inferno|win98|win95|winnt|win 9x",
    "win32|playstation|nintendo|xbox|psp (|symb|series60|series40|series30|s60|bada|tizen",
    "sailfish|maemo|meego|web0s|webos|palm|kaios|(mobile;|(tablet;|mobile|bb10|blackberry",
    "playbook|rim tablet|nokia|samsung|sonyericsson|midp|brew|j2me|smart-tv|smarttv|philipstv",
    "netcast|hbbtv|nettv|webtv|dtv|roku|crkey|large screen|netfront|directfb|kindle|rv:",
];

/// Engines of browsers, and browsers with an engine of their own.
const ENGINES: &[&str] = &[
    "webkit|gecko|trident/|khtml|presto/|goanna|servo|netscape|netfront|konqueror|edge/",
    "chrome/|firefox/|opera|ucbrowser|ucweb|obigo|teleca|polaris|omniweb|icab|ibrowse",
    "netpositive|antfresco|oregano|iemobile|dolfin|aweb|navigator/|msie 1|msie 2|msie 3",
    "msie 4|msie 5|msie 6|msie 7|msie 8|msie 9",
];

/// Browsers that say `compatible`, as all did once.
const HISTORIC: &[&str] = &[
    "msie 1|msie 2|msie 3|msie 4|msie 5|msie 6|msie 7|msie 8|msie 9|konqueror|trident/|opera",
    "omniweb|ibrowse|abrowse|aweb|amiga|polaris|teleca|netfront|nokia|sonyericsson",
    "webpositive|blazer|oss/|avantgo|antfresco|ncbrowser|oregano|netpositive|linux 2.",
    "intel mac os x",
];

/// Words of browsers on phones, televisions and consoles that do not claim to be Mozilla.
const PHONES: &[&str] = &[
    "midp|cldc|up.browser|up.link|up/4|obigo|netfront|brew 3|brew mp|brew-|ucweb|uc browser",
    "ucbrowser|mqqbrowser|onebrowser|blackberry|teleca|docomo/|j-phone|kddi-|softbank/|vodafone/",
    "maui wap|dorado wap|symbianos|openwave|skyfire|hbbtv|novarra|s40ovibrowser|dolfin/|jasmine/",
    "mmp/2.0|wap1.|wap2.|semc-browser|polaris/|opera mini|opera mobi|mobile safari|nokiabrowser",
    "maxthon|webtv|playstation|(msie ",
];

/// What browsers that do not claim to be Mozilla begin with.
const OPENINGS: &[&str] = &[
    "opera/|opera |lynx/|links (|links(|elinks|w3m/|dillo/|netsurf/|icab/|ncsa_mosaic|ncsa mosaic",
    "mosaic/|amiga|ibrowse/|konqueror/|galeon/|epiphany/|midori/|qutebrowser/|falkon/|luakit/|uzbl",
    "surf/|xombrero/|netscape|internet explorer|contiki/|arachne|charon/|hotjava|off by one|flock/",
    "[fb|(null) [fb|nokia|samsung|sonyericsson|lg-|lg/|lge|lg k|sec-|sgh-|mot-|motorola|sie-|htc",
    "alcatel|zte|roku|huawei|lenovo|philips|panasonic|sagem|sanyo|pantech|t-mobile|benq|micromax",
    "karbonn|gionee|haier|coolpad|tecno|itel|infinix|sprd-|celkon|intex",
];

/// What apps on phones and tablets, and the systems that send their requests, name beside
/// themselves.
const APPS: &[&str] = &["cfnetwork/|dalvik/|android|iphone|ipad|ipod|ios |ios/|windows phone"];

/// Libraries and tools that other programs send requests with.
const LIBRARIES: &[&str] = &[
    "okhttp|curl/|libcurl|wget|python-|python/|aiohttp|java/|apache-|apache/|jakarta|go-http|axios",
    "node-fetch|dart/|ruby|faraday|perl|lwp|libwww|php/|guzzle|reqwest|hyper/|ktor|postman|httpie",
    "rest-client|restsharp|powershell|winhttp|http-client|http_client|http.rb|volley|cronet",
    "microsoft office|microsoft outlook|microsoft-",
];

/// What an app does that nobody looks at. In a browser's name such words mean something else.
const TASKS: &[&str] = &[
    "download|extract|fetch|feed|rss|scrap|crawl|spider|check|tester|monitor|scan|preview/",
    "thumbnail|screenshot|index|http client|httpclient|httpss|updater|backup|swcd|mail/",
    "metadata|unfurl|slurp|archive",
];

/// What the names of programs end with.
const PROGRAM_ENDINGS: &[&str] = &[
    "bot|bots|crawler|crawlers|crawl|crawling|spider|spiders|scraper|archiver|archivebox|fetcher",
    "harvester|synthetic|synthetics|observatory|prerender|lighthouse|webthumb|transcoder|imageproxy",
    "webkit2png|devtools|-google",
];

/// What the names of programs begin with.
const PROGRAM_BEGINNINGS: &[&str] = &[
    "headless|wkhtmlto|phantomjs|slimerjs|puppeteer|playwright|selenium|webdriver|cypress/|ptst/",
    "synthetic|crawl|bot/|google-|googleweblight",
];

/// Words by which programs call themselves.
const PROGRAMS: &[&str] = &[
    "slurp|ptst|claude-web|claude-user|http client|api request|google favicon|bingpreview",
    "web preview|webpreview",
    // Libraries that send the string of a browser, and their own name behind it.
    "jsdom|python-requests|scrapy|curl|go-http-client|axios|apache-httpclient|aiohttp|guzzlehttp",
    "node-fetch|trustd",
    // Programs that look for weaknesses, also by the mistakes in their string.
    "acunetix|assetnote|mozlila|burpcollaborator|nessus|netsparker|nikto|nmap|nuclei|openvas|qualys|sqlmap",
    "zgrab",
];

/// Services that watch sites with a full browser, and say so, also in comments that describe the
/// device that they imitate.
const SERVICES: &[&str] = &[
    "catchpoint|dareboost|datadog|debugbear|dejaclick|dynatrace|gomezagent|gtmetrix",
    "neustar wpm|new relic|newrelic|onetrust|pingdom|pingdomtms|ruxit|site24x7",
    "siteimprove|speedcurve|statuscake|thousandeyes|uptrends",
];

/// What programs are for. Apps are for the same things, and put their names behind that of their
/// browser.
const PURPOSES: &[&str] = &[
    "grabber|extractor|indexer|monitor|monitoring|inspector|checker|linkcheck|validator|analyzer",
    "analyser|classifier|scanner|scan|scans|rss|thumbnail|screenshot|favicon|httpstatus",
];
