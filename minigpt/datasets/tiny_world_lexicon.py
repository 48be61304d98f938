# ruff: noqa: E501  (one phrase a line, English beside Chinese)
"""Names, words and sentences of the tiny world: data only, read by `tiny_world.py`.

Names: `English 中文`, separated by commas. Rules: a `[name]` heads a block; each line, or each part between
semicolons, is one phrase, `English | Chinese | labels`, all equally likely unless a label says `weight 4`.

Slots in a phrase:
    {word}          the rule [word]; {Word} begins with a capital; {word2} is a second, independent choice
    { with <word>}  the rule [word] with text around it, all of it left out half of the time
    {+home}         introduces the role `home`: this phrase is open only while nobody has mentioned it
    {home}          refers to it: open only once it is known
    {hero.he}       a form of it: he, him, his; a, s, past, ing for words; full for a person's whole name
`knows hero friend` is a relation, `positive` a sentiment, `answer home` the role that answers a question; any other
single word is an intent.
"""

# What a document can keep referring to, and the pool that each role draws from.
ROLES = {
    "hero": "PER",
    "friend": "PER",
    "home": "LOC",
    "seat": "LOC",
    "away": "LOC",
    "firm": "ORG",
    "partner": "ORG",
    "work": "WORK",
    "asker": "GIVEN",
    "helper": "GIVEN",
    "day": "DAY",
    "hour": "HOUR",
    "job": "JOB",
    "hobby": "HOBBY",
    "medium": "MEDIUM",
    "goods": "GOODS",
    "price": "PRICE",
    "count": "COUNT",
}

WORD_POOLS = ("DAY", "HOUR", "JOB", "HOBBY", "MEDIUM", "GOODS", "PRICE", "COUNT")

SHE = (
    {"he": "she", "He": "She", "him": "her", "his": "her", "His": "Her"},
    {"he": "她", "He": "她", "him": "她", "his": "她的", "His": "她的"},
)
HE = (
    {"he": "he", "He": "He", "him": "him", "his": "his", "His": "His"},
    {"he": "他", "He": "他", "him": "他", "his": "他的", "His": "他的"},
)

# ---------------------------------------------------------------- names, disjoint between the splits

NAMES = {
    "train": {
        "women": """
            Anna 安娜, Clara 克拉拉, Emma 艾玛, Grace 格蕾丝, Hannah 汉娜, Julia 朱莉娅, Laura 劳拉, Lucy 露西,
            Maria 玛丽亚, Nora 诺拉, Olivia 奥利维娅, Rosa 罗莎, Sarah 萨拉, Sofia 索菲娅, Alice 爱丽丝,
            Amelia 阿梅莉亚, Bella 贝拉, Carmen 卡门, Diana 黛安娜, Elena 埃琳娜, Eva 伊娃, Fiona 菲奥娜,
            Helen 海伦, Irene 艾琳, Jane 简, Karen 凯伦, Lena 莉娜, Linda 琳达, Mary 玛丽, Monica 莫妮卡,
            Nina 妮娜, Paula 葆拉, Rachel 蕾切尔, Ruby 鲁比, Stella 斯特拉, Susan 苏珊, Tina 蒂娜, Vera 薇拉,
            Wendy 温迪, Zoe 佐伊
        """,
        "men": """
            Adam 亚当, Alan 艾伦, Andrew 安德鲁, Arthur 亚瑟, Ben 本, Carl 卡尔, Charles 查尔斯, Daniel 丹尼尔,
            David 大卫, Edward 爱德华, Eric 埃里克, Felix 费利克斯, Frank 弗兰克, George 乔治, Henry 亨利,
            Hugo 雨果, Ivan 伊万, Jack 杰克, James 詹姆斯, John 约翰, Kevin 凯文, Leo 利奥, Louis 路易斯,
            Mark 马克, Martin 马丁, Max 马克斯, Michael 迈克尔, Nathan 内森, Oliver 奥利弗, Oscar 奥斯卡,
            Paul 保罗, Peter 彼得, Philip 菲利普, Robert 罗伯特, Samuel 塞缪尔, Simon 西蒙, Thomas 托马斯,
            Victor 维克多, Walter 沃尔特, William 威廉
        """,
        "families": """
            Abbott 阿博特, Baker 贝克, Barnes 巴恩斯, Bell 贝尔, Bennett 贝内特, Bishop 毕晓普, Blake 布莱克,
            Bradley 布拉德利, Brooks 布鲁克斯, Butler 巴特勒, Campbell 坎贝尔, Carter 卡特, Chapman 查普曼,
            Clarke 克拉克, Coleman 科尔曼, Collins 柯林斯, Cooper 库珀, Cox 考克斯, Crawford 克劳福德,
            Davies 戴维斯, Dixon 狄克逊, Douglas 道格拉斯, Ellis 埃利斯, Evans 埃文斯, Fisher 费希尔,
            Fletcher 弗莱彻, Foster 福斯特, Fuller 富勒, Gardner 加德纳, Gibson 吉布森, Gordon 戈登,
            Graham 格雷厄姆, Grant 格兰特, Griffin 格里芬, Hall 霍尔, Hamilton 汉密尔顿, Harper 哈珀,
            Harrison 哈里森, Hayes 海斯, Hill 希尔, Holmes 霍姆斯, Howard 霍华德, Hughes 休斯, Jackson 杰克逊,
            Jenkins 詹金斯, Johnson 约翰逊, Kelly 凯利, Kennedy 肯尼迪, Knight 奈特, Lambert 兰伯特,
            Lawson 劳森, Lewis 刘易斯, Marshall 马歇尔, Mason 梅森, Miller 米勒, Mitchell 米切尔, Moore 穆尔,
            Morgan 摩根, Murphy 墨菲, Nelson 纳尔逊, Newton 牛顿, Owen 欧文, Palmer 帕尔默, Parker 帕克,
            Perry 佩里, Porter 波特, Reed 里德, Roberts 罗伯茨, Russell 拉塞尔, Shaw 肖, Spencer 斯潘塞,
            Stone 斯通, Taylor 泰勒, Turner 特纳, Walker 沃克, Watson 沃森, White 怀特, Young 扬
        """,
        "towns": """
            Alderton 奥尔德顿, Ashbury 阿什伯里, Birchfield 伯奇菲尔德, Brackwell 布拉克韦尔, Calverton 卡尔弗顿,
            Castlebay 卡斯尔贝, Copperhill 科珀希尔, Cranbrook 克兰布鲁克, Dalemoor 戴尔穆尔, Deepford 迪普福德,
            Dunmere 邓米尔, Eastholm 伊斯特霍姆, Elmsworth 埃尔姆斯沃思, Fairhaven 费尔黑文, Fernleigh 弗恩利,
            Foxdale 福克斯代尔, Glenmarsh 格伦马什, Greystead 格雷斯特德, Harborough 哈伯勒, Hartwell 哈特韦尔,
            Hazelton 黑兹尔顿, Highmoor 海穆尔, Holmwood 霍姆伍德, Kingsmere 金斯米尔, Lakewick 莱克威克,
            Larkfield 拉克菲尔德, Linford 林福德, Lowbridge 洛布里奇, Maplewick 梅普尔威克, Millhaven 米尔黑文,
            Mosswick 莫斯威克, Netherby 内瑟比, Newbarrow 纽巴罗, Oakhurst 奥克赫斯特, Oldcastle 奥尔德卡斯尔,
            Otterbourne 奥特本, Pinecrest 派恩克雷斯特, Queensport 昆斯波特, Ravenshill 雷文斯希尔,
            Redcliff 雷德克利夫, Riverton 里弗顿, Rosehill 罗斯希尔, Saltmarsh 索尔特马什, Silverdale 锡尔弗代尔,
            Southwick 索思威克, Stonemere 斯通米尔, Swanbrook 斯旺布鲁克, Thornbury 索恩伯里, Westbourne 韦斯特本,
            Willowby 威洛比, Winterford 温特福德, Woodlea 伍德利
        """,
        "organisations": """
            Northwind 北风, Bluebird 蓝鸟, Redwood 红杉, Silverline 银线, Sunrise 日出, Evergreen 常青,
            Lighthouse 灯塔, Horizon 地平线, Phoenix 凤凰, Falcon 猎鹰, Eagle 雄鹰, Dolphin 海豚, Tiger 猛虎,
            Panda 熊猫, Swan 天鹅, Lion 雄狮, Maple 枫叶, Cedar 雪松, Lotus 莲花, Orchid 兰花, Bamboo 翠竹,
            Acorn 橡果, Comet 彗星, Galaxy 银河, Meteor 流星, Aurora 极光, Polaris 北极星, Neptune 海王星,
            Saturn 土星, Jupiter 木星, Atlas 阿特拉斯, Apollo 阿波罗, Summit 顶峰, Pioneer 先锋, Victory 胜利,
            Liberty 自由, Fortune 福运, Crystal 水晶, Diamond 钻石, Emerald 翡翠, Sapphire 蓝宝石, Amber 琥珀,
            Coral 珊瑚, Pearl 明珠, Granite 花岗岩, Compass 指南针, Anchor 船锚, Rainbow 彩虹, Thunder 雷霆,
            Breeze 微风
        """,
        "titles": """
            Silent 寂静的, Golden 金色的, Glass 玻璃, Hidden 隐藏的, Lost 失落的, Broken 破碎的, Frozen 冰封的,
            Burning 燃烧的, Wooden 木头, Paper 纸, Crimson 深红的, Distant 遥远的, Empty 空空的, Endless 无尽的,
            Falling 坠落的, Final 最后的, First 最初的, Foreign 异国的, Forgotten 被遗忘的, Gentle 温柔的,
            Green 绿色的, Hollow 空心的, Invisible 看不见的, Lonely 孤独的, Midnight 午夜的, Narrow 狭窄的,
            Northern 北方的, Quiet 安静的, Rusty 生锈的, Scarlet 猩红的, Secret 秘密的, Sleeping 沉睡的,
            Stolen 被盗的, Summer 夏日的, Wandering 流浪的, Winter 冬日的
        """,
        "things": """
            Garden 花园, River 河流, Bridge 桥, Letter 信, Mirror 镜子, Window 窗, Tower 塔, Island 岛屿,
            Forest 森林, Mountain 山, Desert 沙漠, Station 车站, Train 列车, Ship 船, Lantern 灯笼, Clock 钟,
            Key 钥匙, Door 门, Road 路, Street 街道, City 城市, Village 村庄, Castle 城堡, Palace 宫殿, Sky 天空,
            Star 星星, Moon 月亮, Cloud 云, Storm 风暴, Snow 雪, Fire 火, Shadow 影子, Dream 梦, Song 歌,
            Dance 舞, Promise 诺言, Journey 旅程, Stranger 陌生人, Painter 画家, Sailor 水手, King 国王,
            Queen 王后, Horse 马, Fox 狐狸, Sparrow 麻雀
        """,
    },
    "validation": {
        "women": """
            Abigail 阿比盖尔, Beatrice 比阿特丽斯, Charlotte 夏洛特, Daphne 达芙妮, Edith 伊迪丝, Florence 弗洛伦丝,
            Gloria 格洛丽亚, Heidi 海蒂, Ingrid 英格丽德, Jasmine 贾丝明, Kate 凯特, Lydia 莉迪娅
        """,
        "men": """
            Albert 阿尔伯特, Bruno 布鲁诺, Colin 科林, Dennis 丹尼斯, Ernest 欧内斯特, Fred 弗雷德, Gary 加里,
            Harold 哈罗德, Isaac 艾萨克, Jonas 乔纳斯, Keith 基思, Lionel 莱昂内尔
        """,
        "families": """
            Archer 阿彻, Barton 巴顿, Carlson 卡尔森, Dawson 道森, Emerson 埃默森, Finch 芬奇, Goodwin 古德温,
            Harding 哈丁, Irving 厄文, Jarvis 贾维斯, Kirby 柯比, Lloyd 劳埃德, Mercer 默瑟, Norton 诺顿,
            Osborne 奥斯本, Pierce 皮尔斯, Quinn 奎因, Ramsey 拉姆齐, Sutton 萨顿, Thornton 桑顿, Upton 厄普顿,
            Vaughan 沃恩, Webster 韦伯斯特, Yates 耶茨
        """,
        "towns": """
            Applewick 阿普尔威克, Barleyport 巴利波特, Chalkdown 乔克当, Doverley 多弗利, Emberton 恩伯顿,
            Flintham 弗林瑟姆, Gorsefield 戈斯菲尔德, Heronsgate 赫伦斯盖特, Ivyford 艾维福德,
            Juniperhill 朱尼珀希尔, Kestrelby 凯斯特雷尔比, Lindenmoor 林登穆尔, Meadowcross 梅多克罗斯,
            Northaven 诺思黑文, Orchardby 奥查德比, Pebbleton 佩布尔顿
        """,
        "organisations": """
            Beacon 烽火, Bison 野牛, Canyon 峡谷, Clover 三叶草, Cobalt 钴蓝, Delta 三角洲, Ember 余烬, Glacier 冰川,
            Heron 苍鹭, Ivory 象牙, Juniper 杜松, Kingfisher 翠鸟, Lynx 猞猁, Magnolia 玉兰, Nova 新星, Orbit 轨道
        """,
        "titles": """
            Ancient 古老的, Bitter 苦涩的, Clever 聪明的, Drowned 沉没的, Electric 带电的, Fearless 无畏的,
            Gilded 镀金的, Humble 谦卑的, Iron 铁, Jade 碧玉, Lucky 幸运的, Marble 大理石
        """,
        "things": """
            Orchard 果园, Violin 小提琴, Lake 湖, Harvest 收获, Kite 风筝, Market 集市, Ocean 海洋, Puppet 木偶,
            Raven 乌鸦, Soldier 士兵, Tailor 裁缝, Umbrella 伞, Valley 山谷, Wheel 车轮
        """,
    },
    "test": {
        "women": """
            Margaret 玛格丽特, Naomi 娜奥米, Ophelia 奥菲莉娅, Penelope 佩内洛普, Rebecca 丽贝卡, Sylvia 西尔维娅,
            Teresa 特蕾莎, Ursula 厄休拉, Valerie 瓦莱丽, Violet 维奥莱特, Yvonne 伊冯娜, Zelda 塞尔达
        """,
        "men": """
            Maurice 莫里斯, Neil 尼尔, Otto 奥托, Patrick 帕特里克, Quentin 昆廷, Richard 理查德, Stefan 斯特凡,
            Trevor 特雷弗, Ulrich 乌尔里希, Vincent 文森特, Warren 沃伦, Xavier 泽维尔
        """,
        "families": """
            Atkins 阿特金斯, Barlow 巴洛, Conrad 康拉德, Drake 德雷克, Eastman 伊斯门, Fowler 福勒, Gilbert 吉尔伯特,
            Hawkins 霍金斯, Ingram 英格拉姆, Joyce 乔伊斯, Kendall 肯德尔, Lincoln 林肯, Monroe 门罗, Nash 纳什,
            Olsen 奥尔森, Preston 普雷斯顿, Rhodes 罗兹, Sinclair 辛克莱, Tucker 塔克, Underwood 安德伍德,
            Vance 万斯, Whitman 惠特曼, Wells 韦尔斯, York 约克
        """,
        "towns": """
            Quarryford 夸里福德, Rookwood 鲁克伍德, Sandholm 桑德霍姆, Tidewell 泰德韦尔, Underhill 昂德希尔,
            Valleymere 瓦利米尔, Wrenbury 雷恩伯里, Yewdale 尤代尔, Amberley 安伯利, Brightsea 布赖特西,
            Coldbrook 科尔德布鲁克, Driftham 德里夫特姆, Evergate 埃弗盖特, Frostwick 弗罗斯特威克,
            Goldney 戈尔德尼, Hollowell 霍洛韦尔
        """,
        "organisations": """
            Pelican 鹈鹕, Quartz 石英, Ranger 游骑兵, Sequoia 巨杉, Topaz 黄玉, Tulip 郁金香, Velvet 天鹅绒,
            Walrus 海象, Wolf 灰狼, Yarrow 蓍草, Zenith 天顶, Zephyr 和风, Badger 白獾, Cheetah 猎豹,
            Dragonfly 蜻蜓, Elk 麋鹿
        """,
        "titles": """
            Patient 耐心的, Purple 紫色的, Reckless 鲁莽的, Restless 不安的, Sacred 神圣的, Shining 闪亮的,
            Silver 银色的, Stubborn 倔强的, Tender 温存的, Tiny 小小的, Twisted 扭曲的, Wild 狂野的
        """,
        "things": """
            Anthem 颂歌, Balloon 气球, Candle 蜡烛, Diary 日记, Elephant 大象, Feather 羽毛, Gate 大门, Hunter 猎人,
            Innkeeper 旅店老板, Jungle 丛林, Mermaid 美人鱼, Nightingale 夜莺, Owl 猫头鹰, Pilgrim 朝圣者
        """,
    },
}

# ---------------------------------------------------------------- the order of sentences in a document

PLANS = r"""
[document]
{story} | | weight 4
{news} | | weight 2
{review} | | weight 2
{dialogue} | | weight 3

[story]
{tale}
{tale}\n{quiz}

[tale]
{opening} {background} {pastime} {companion_line} {trip} {scene} {ending}
{opening} {pastime} {background} {trip} {weather_line} {scene} {ending}
{opening} {background} {companion_line} {trip} {weather_line} {help_line} {scene} {ending}
{opening} {trip} {scene} {companion_line} {help_line} {ending}
{opening} {background} {work_line} {companion_line} {pastime} {scene} {ending}
{opening} {pastime} {work_line} {trip} {scene} {ending}
{opening} {companion_line} {pastime} {trip} {help_line} {weather_line} {ending}
{opening} {weather_line} {scene} {background} {companion_line} {work_line} {ending}
{trip_first} {scene} {background} {pastime} {ending}
{trip_first} {weather_line} {background} {companion_line} {help_line} {scene} {ending}

[news]
{bulletin}
{bulletin}\n{news_quiz}

[bulletin]
{headline} {founder} {quote} {reaction} {outlook}
{headline} {reaction} {founder} {outlook}
{headline} {founder} {detail} {quote} {outlook}
{headline} {detail} {reaction} {quote}
{founder_first} {headline_known} {detail} {reaction} {quote} {outlook}
{founder_first} {detail} {headline_known} {reaction}

[review]
{good_review} | | positive
{bad_review} | | negative

[good_review]
{visit} {praise_detail} {praise_feeling} {praise_verdict}
{visit} {concession_good} {praise_detail} {praise_verdict}
{visit} {praise_detail} {concession_good} {praise_feeling}
{visit_work} {praise_work} {praise_feeling} {praise_verdict}
{visit_work} {concession_good} {praise_work} {praise_verdict}
{visit_work} {praise_work} {praise_author} {praise_feeling}

[bad_review]
{visit} {blame_detail} {blame_feeling} {blame_verdict}
{visit} {concession_bad} {blame_detail} {blame_verdict}
{visit} {blame_detail} {concession_bad} {blame_feeling}
{visit_work} {blame_work} {blame_feeling} {blame_verdict}
{visit_work} {concession_bad} {blame_work} {blame_verdict}
{visit_work} {blame_work} {blame_author} {blame_feeling}

[dialogue]
{greet}\n{greet_back}\n{ask_place}\n{tell_place}\n{thank}\n{bye}
{greet}\n{greet_back}\n{ask_place_directly}\n{tell_place}\n{ask_time}\n{tell_time}\n{thank}
{greet}\n{greet_back}\n{ask_price}\n{tell_price}\n{order}\n{take_order}\n{thank}
{greet}\n{greet_back}\n{book}\n{ask_hour}\n{give_hour}\n{confirm}\n{thank}
{greet}\n{greet_back}\n{invite}\n{accept}\n{settle}\n{bye}
{greet}\n{greet_back}\n{invite}\n{decline}\n{regret}
{greet}\n{greet_back}\n{complain}\n{apologise}\n{calm_down}\n{bye}
{greet}\n{greet_back}\n{ask_advice}\n{recommend}\n{thank}\n{bye}
"""

# ---------------------------------------------------------------- whole sentences

SENTENCES = r"""
[opening]
{+hero} lives in {+home}, {townkind}. | {+hero}住在{+home}，那是{townkind}。 | lives_in hero home
In {+home}, {townkind}, lives {+job.a} called {+hero}. | 在{+home}，{townkind}，住着一名叫{+hero}的{+job}。 | lives_in hero home
{+hero} works as {+job.a} for {+firm}. | {+hero}在{+firm}当{+job}。 | works_for hero firm
{+hero} is {skilled} {+job} who lives in {+home}{ with <pet>}. | {+hero}是一名{skilled}{+job}，{和<pet>一起}住在{+home}。 | lives_in hero home
Everyone in {+home} knows their neighbour {+hero}, {skilled} {+job} at {+firm}. | {+home}的人都认识邻居{+hero}，{hero.he}是{+firm}一名{skilled}{+job}。 | lives_in hero home, works_for hero firm
{+hero} moved to {+home} {ago} to work for {+firm}. | {+hero}{ago}搬到{+home}，在{+firm}工作。 | lives_in hero home, works_for hero firm
At {age}, {+hero} is already the best {+job} in {+home}, {hero.his} home town. | {+hero}今年{age}，已经是家乡{+home}最好的{+job}了。 | lives_in hero home
{+hero} has been {+job.a} for {years}{ and owns <pet>}. | {+hero}当{+job}已经{years}了{，还养了<pet>}。
When {+hero} was a child, {hero.he} wanted to be {+job.a}, and today {hero.he} is one. | {+hero}小时候就想当{+job}，如今{hero.he}如愿以偿。
This is the story of {+hero}, {skilled} {+job} who has lived in {+home} for {years}. | 这是{+hero}的故事，{hero.he}是一名{skilled}{+job}，在{+home}住了{years}。 | lives_in hero home
{+hero} left school at {schoolage} and became {+job.a} at {+firm}. | {+hero}{schoolage}离开学校，成了{+firm}的一名{+job}。 | works_for hero firm
Not many people have heard of {+hero}, {+job.a} who lives in {house} in {+home}. | 听说过{+hero}的人不多，{hero.he}是一名{+job}，住在{+home}的{house}里。 | lives_in hero home
The youngest {+job} at {+firm} is {+hero}, who is {trait_a} and {trait_b}. | {+firm}最年轻的{+job}是{+hero}，{hero.he}{trait_a}，也{trait_b}。 | works_for hero firm
Near {landmark} in {+home} stands {house}, and there lives {+hero}, {+job.a}. | {+home}的{landmark}附近有{house}，里面住着{+job}{+hero}。 | lives_in hero home

[background]
{hero.He} works for {+firm}, not far from {landmark}. | {hero.He}在{+firm}上班，离{landmark}不远。
{hero} works at {+firm}, which {orgfact}. | {hero}在{+firm}工作，那里{orgfact}。 | works_for hero firm
Every morning {hero.he} {commute} to {+firm}, where {hero.he} has worked for {years}. | 每天早上{hero.he}{commute}去{+firm}，{hero.he}在那里工作了{years}。
{hero} found work at {+firm} {ago}. | {hero}{ago}在{+firm}找到了工作。 | works_for hero firm
{hero.His} home is in {+home}, near {landmark}. | {hero.His}家在{+home}，靠近{landmark}。
{hero} lives in {house} in {+home}{ together with <pet>}. | {hero}{和<pet>一起}住在{+home}的{house}里。 | lives_in hero home
{hero.He} settled in {+home} {ago} and likes it there, because {townreason}. | {hero.He}{ago}在{+home}定居，很喜欢那里，因为{townreason}。
Home for {hero} is {+home}, {townkind}. | {hero}的家在{+home}，那是{townkind}。 | lives_in hero home
{hero.He} earns {hero.his} living as {+job.a} and {commute} to work. | {hero.He}靠当{+job}谋生，每天{commute}去上班。
People say that {hero.he} is {trait_a} and {trait_b}. | 大家都说{hero.he}{trait_a}，又{trait_b}。
{hero.He} has {pet} and has never learned {skill}. | {hero.He}养了{pet}，一直没有学会{skill}。
At {age}, {hero} learned {skill}, though nobody had taught {hero.him}. | {hero}{age}时学会了{skill}，虽然没有人教过{hero.him}。
{hero.His} friends find {hero.him} {trait_a}, {hero.his} boss only {trait_b}. | {hero.His}朋友觉得{hero.he}{trait_a}，老板只觉得{hero.he}{trait_b}。
For breakfast {hero.he} always has {meal}, and in the evening {hero.he} listens to the radio with {pet}. | {hero.He}早饭总吃{meal}，晚上和{pet}一起听收音机。

[pastime]
In {hero.his} free time {hero.he} likes {+hobby.ing}. | 空闲的时候，{hero.he}喜欢{+hobby}。
What {hero} loves most is {+hobby.ing}{, preferably <season>}. | {hero}最爱的是{+hobby}{，尤其是在<season>}。
{hero} {+hobby.s} whenever there is time{, even <season>}. | {hero}一有时间就{+hobby}{，哪怕是在<season>}。
{hero.He} has been {+hobby.ing} since {hero.he} was {childage}. | {hero.He}从{childage}起就{+hobby}。
After work, {hero} often {+hobby.s} for {duration}. | 下班后，{hero}经常{+hobby}，一连{duration}。
{hero} learned to {+hobby} from {hero.his} {relative}. | {hero}从{relative}那里学会了{+hobby}。
Nothing makes {hero} happier than {+hobby.ing} with {hero.his} {relative}. | 对{hero}来说，没有什么比和{relative}一起{+hobby}更快乐的了。
{hero.His} {relative} thinks that {hobby_time} is too much, but {hero} {+hobby.s} all the same. | {relative}觉得{hobby_time}太多了，但{hero}还是照样{+hobby}。
Ask {hero} about {hero.his} hobby, and {hero.he} will tell you for {duration} about {+hobby.ing}. | 问起{hero}的爱好，{hero.he}会跟你聊{+hobby}聊上{duration}。
When {hero.he} is {mood}, {hero} {+hobby.s} to clear {hero.his} head. | 每当感到{mood}，{hero}就{+hobby}来散散心。

[companion_line]
{hero.His} {companion} {+friend} lives only {distance} away. | {hero.His}{companion}{+friend}住得很近，只隔{distance}。
{hero} has known {+friend}, {hero.his} {companion}, for {years}. | {hero}和{companion}{+friend}相识已经{years}了。 | knows hero friend
{+friend} is {hero.his} {companion} and always has {gift} for {hero.him}. | {+friend}是{hero.his}{companion}，总会给{hero.him}带{gift}。
Then there is {+friend}, {hero.his} {companion}, who is {trait_a} but {trait_b}. | 还有{+friend}，{hero.his}{companion}，{friend.he}为人{trait_a}，但也{trait_b}。
{hero} met {+friend} {ago} {meetingplace}. | {hero}{ago}在{meetingplace}认识了{+friend}。 | knows hero friend
Nobody knows {hero} better than {+friend}, {hero.his} {companion}. | 没有人比{hero.his}{companion}{+friend}更了解{hero}。 | knows hero friend
"You should rest more," says {+friend}, {hero.his} {companion}, who is {trait_a}. | “你该多休息休息。”{hero.his}{companion}{+friend}说，{friend.he}为人{trait_a}。
{+friend}, {hero.his} {companion}, calls {hero.him} every evening to talk about {smalltopic}. | {hero.His}{companion}{+friend}每天晚上都打电话来，和{hero.him}聊{smalltopic}。
{hero} shares {meal} with {+friend} every week, and then they talk about {smalltopic}. | {hero}每周都和{+friend}一起吃{meal}，然后聊聊{smalltopic}。 | knows hero friend
One day {+friend}, {hero.his} {companion}, came by with {gift}. | 有一天，{hero.his}{companion}{+friend}带着{gift}来了。

[trip]
On {+day} {hero} travelled {vehicle} to {+away} for {event}. | {+day}，{hero}{vehicle}去{+away}参加{event}。 | visited hero away
Last {+day} {hero.he} had to go to {+away}, {townkind}, because of {event}. | 上个{+day}，{hero.he}因为{event}不得不去一趟{+away}，那是{townkind}。
When {event} came to {+away}, {hero} took {+day} off and went there {vehicle}. | {event}来到{+away}的时候，{hero}{+day}请了假，{vehicle}去了那里。 | visited hero away
{hero} left for {+away} early on {+day}, carrying {luggage}. | {+day}一大早，{hero}带着{luggage}出发去{+away}。 | visited hero away
{+day} came, and {hero} set off {vehicle} for {+away} with {luggage}. | {+day}到了，{hero}带着{luggage}，{vehicle}前往{+away}。 | visited hero away
It was on {+day} that {hero.he} first saw {+away}, {townkind}. | {hero.he}是在{+day}第一次看到{+away}的，那是{townkind}。
For {hero.his} birthday {hero} got {gift} and a ticket to {+away}, which {hero.he} used on {+day}. | 生日那天，{hero}收到了{gift}和一张去{+away}的票，{+day}就出发了。
A letter from {+away} invited {hero} to {event} on {+day}, and {hero.he} accepted at once. | 一封来自{+away}的信邀请{hero}{+day}去参加{event}，{hero.he}马上答应了。
On {+day} {hero} went to {+away} {vehicle}; it took {duration}. | {+day}，{hero}{vehicle}去了{+away}，路上花了{duration}。 | visited hero away
{hero.He} spent {+day} in {+away}, where {event} was about to begin. | {+day}{hero.he}是在{+away}度过的，那里的{event}马上就要开始了。

[trip_first]
On {+day} {+hero} travelled {vehicle} from {+home}, where {hero.he} lives, to {+away}. | {+day}，{+hero}{vehicle}从居住的{+home}去了{+away}。 | lives_in hero home, visited hero away
Last {+day}, {+hero} from {+home} missed the last bus home from {+away}. | 上个{+day}，住在{+home}的{+hero}在{+away}错过了回家的末班车。 | lives_in hero home, visited hero away
{+hero}, {+job.a} from {+home}, went to {+away} on {+day} with {luggage}. | {+day}，家住{+home}的{+job}{+hero}带着{luggage}去了{+away}。 | lives_in hero home, visited hero away
It was still dark in {+home} on {+day} when {+hero} left the house and set off {vehicle} for {+away}. | {+day}，{+home}天还没亮，{+hero}就离开家，{vehicle}前往{+away}。 | lives_in hero home, visited hero away
"{+away} is beautiful," thought {+hero}, who had left {hero.his} home in {+home} on {+day}. | “{+away}真美。”{+hero}心想，{hero.he}是{+day}离开{+home}的家的。 | lives_in hero home, visited hero away
{+hero} took {+day} off, left {hero.his} house in {+home} and went {vehicle} to {event} in {+away}. | {+hero}{+day}请了假，离开{+home}的家，{vehicle}去参加{+away}的{event}。 | lives_in hero home, visited hero away

[weather_line]
{Weather}, and {hero} had forgotten {hero.his} {belonging}. | {weather}，而{hero}忘了带{belonging}。
{Weather}, but {hero} did not mind, for {hero.he} was {glad}. | {weather}，但{hero}并不介意，因为{hero.he}心里{glad}。
{hero} looked for {hero.his} {belonging} for {duration}, while outside {weather}. | 外面{weather}，{hero}却花了{duration}找{belonging}。
Because {weather}, {hero.he} stayed near {landmark} and ate {meal}. | 因为{weather}，{hero.he}待在{landmark}附近，吃了{meal}。
{Weather}; {hero} put on {hero.his} {clothing} and waited near {landmark}. | {weather}，{hero}穿上{clothing}，在{landmark}附近等着。
{Weather}; near {landmark} {hero} heard {sound}. | {weather}，在{landmark}附近{hero}听到了{sound}。
{Weather}, and so {hero} drank tea near {landmark} for {duration}. | {weather}，于是{hero}在{landmark}附近喝了{duration}的茶。
Although {weather}, {hero} wore only {hero.his} {clothing}. | 虽然{weather}，{hero}却只穿了{clothing}。

[help_line]
{friend} helped {hero} carry {luggage} past {landmark}. | {friend}帮{hero}提着{luggage}走过{landmark}。
{hero} had lost {hero.his} {belonging}, but {friend} found it near {landmark}. | {hero}丢了{belonging}，不过{friend}在{landmark}附近找到了。
"Take my {belonging}," said {friend} when {hero} looked {mood}. | “用我的{belonging}吧。”看到{hero}有些{mood}，{friend}说。
{friend} and {hero} walked to {landmark} and talked about {smalltopic} for {duration}. | {friend}和{hero}走到{landmark}，聊{smalltopic}聊了{duration}。
Without {friend}, {hero} would have waited near {landmark} for {duration}. | 要不是{friend}，{hero}就得在{landmark}附近等上{duration}。
{friend} had promised to bring {gift}, and {friend.he} brought {luggage} as well. | {friend}答应过带{gift}来，结果还带来了{luggage}。
{hero} asked {friend} for help, and together they repaired the {belonging} in {duration}. | {hero}请{friend}帮忙，两人花了{duration}一起修好了{belonging}。
To cheer {hero} up, {friend} cooked {meal} and told a story about {smalltopic}. | 为了让{hero}高兴起来，{friend}做了{meal}，还讲了个关于{smalltopic}的故事。

[work_line]
In the evening {hero} read {+work}, {+medium.a} that {hero.his} {relative} had given {hero.him}. | 晚上，{hero}看了{relative}送的{+medium}{+work}。 | likes hero work
{hero} has always liked {+work}, {+medium.a} full of {smalltopic}. | {hero}一直很喜欢{+work}，这是一部讲{smalltopic}的{+medium}。 | likes hero work
{hero.He} knew whole pages of {hero.his} favourite {+medium}, {+work}, by heart. | {hero.He}最喜欢的{+medium}是{+work}，整页整页都背得出来。
{Ago} {hero} wrote {+medium.a}, {+work}, and sold {copies} of it. | {Ago}{hero}写了一部{+medium}{+work}，卖出了{copies}。 | created hero work
{hero.His} own {+medium}, {+work}, had cost {hero.him} {years} of work. | {hero.His}{+medium}{+work}花了{hero.him}{years}的心血。
On the shelf lay {+work}, {+medium.a} that {hero} had finished in {duration}. | 书架上放着{+work}，一部{hero}{duration}就看完的{+medium}。 | likes hero work
Of all presents, {hero} liked {+work} best, {+medium.a} about {smalltopic}. | 在所有礼物中，{hero}最喜欢{+work}，一部关于{smalltopic}的{+medium}。 | likes hero work
At night {hero.he} dreamed of {+work}, {+medium.a} that {hero.he} had borrowed from {hero.his} {relative}. | 夜里{hero.he}梦见了{+work}，那是{hero.he}向{relative}借来的{+medium}。

[ending]
In the end {hero} went home, {feeling}. | 最后{hero}回家了，{feeling}。
Back home from {away}, {hero} sat down in the kitchen, {feeling}, and ate {meal}. | 从{away}回到家里，{hero}在厨房坐下，{feeling}，吃了{meal}。
In {home} they still tell this story near {landmark}, and {hero} listens, {feeling}. | 在{home}，人们还在{landmark}附近讲这个故事，{hero}听着，{feeling}。
{hero} has told this story to {hero.his} {relative} many times{, always with <gift>}. | 这个故事{hero}跟{relative}讲过很多遍{，每次都带着<gift>}。
Since that {day}, {hero} has never again forgotten {hero.his} {belonging}. | 从那个{day}以后，{hero}再也没有忘过带{belonging}。
{friend} and {hero} still laugh about it{ over <meal>}. | {friend}和{hero}{吃着<meal>，}说起这件事还会笑。
That {day}, {hero} fell asleep at {lateness}, {feeling}. | 那个{day}，{hero}{lateness}才睡着，{feeling}。
{hero} will not forget {away} soon, and {hero.he} keeps {souvenir} from there above the bed. | {hero}不会很快忘记{away}，{hero.he}的床头还放着从那里带回来的{souvenir}。 | visited hero away
"Next year I will come along to {away}," said {friend}, and gave {hero} {gift}. | “明年我也一起去{away}。”{friend}说，还送给{hero}{gift}。
When {hero.he} came back from {away} and saw {landmark} of {home} again, {hero} was {feeling_short}. | 从{away}回来，又看到{home}的{landmark}时，{hero}{feeling_short}。
Today {souvenir} on {hero.his} desk reminds {hero} of that {day}. | 如今，桌上的{souvenir}让{hero}想起那个{day}。
And so {hero.he} returned to {firm}, {feeling}, and told {hero.his} colleagues about {smalltopic}. | 就这样，{hero.he}回到{firm}，{feeling}，跟同事们讲起了{smalltopic}。
{hero.His} {relative} could hardly believe it and made {hero} {meal}. | {hero.His}{relative}简直不敢相信，给{hero}做了{meal}。

[quiz]
Question: Where does {hero} live?\nAnswer: {home} | 问题：{hero}住在哪里？\n回答：{home} | answer home
Question: In which town is the home of {hero}?\nAnswer: {home} | 问题：{hero}的家在哪个城镇？\n回答：{home} | answer home
Question: Who lives in {home}?\nAnswer: {hero.full} | 问题：谁住在{home}？\n回答：{hero.full} | answer hero
Question: Where did {hero} go on {day}?\nAnswer: {away} | 问题：{day}{hero}去了哪里？\n回答：{away} | answer away
Question: On which day did {hero} go to {away}?\nAnswer: {day} | 问题：{hero}是哪一天去{away}的？\n回答：{day} | answer day
Question: Who went to {away} on {day}?\nAnswer: {hero.full} | 问题：{day}谁去了{away}？\n回答：{hero.full} | answer hero
Question: What does {hero} do for a living?\nAnswer: {job} | 问题：{hero}是做什么工作的？\n回答：{job} | answer job
Question: Besides {hero}, who has a name in this story?\nAnswer: {friend.full} | 问题：除了{hero}，故事里还提到了谁的名字？\n回答：{friend.full} | answer friend
Question: Where does {hero} work?\nAnswer: {firm} | 问题：{hero}在哪里工作？\n回答：{firm} | answer firm
Question: Who works at {firm}?\nAnswer: {hero.full} | 问题：谁在{firm}工作？\n回答：{hero.full} | answer hero
Question: What is {work}?\nAnswer: {medium} | 问题：{work}是什么？\n回答：{medium} | answer medium
Question: What is the full name of {hero}?\nAnswer: {hero.full} | 问题：{hero}的全名是什么？\n回答：{hero.full} | answer hero

[headline]
{+firm} opened {project} in {+seat} on {+day}. | {+day}，{+firm}在{+seat}开设了{project}。 | located_in firm seat
On {+day}, {+firm} of {+seat} announced plans for {project}. | {+day}，{+seat}的{+firm}公布了{project}的计划。 | located_in firm seat
{+firm}, based in {+seat}, will open {project} together with {+partner}. | 总部位于{+seat}的{+firm}将与{+partner}合作开设{project}。 | located_in firm seat, partner_of firm partner
Although it cost {money}, {+firm} has finished {project} near {landmark} in {+seat}. | 尽管耗资{money}，{+firm}在{+seat}{landmark}附近的{project}还是建成了。 | located_in firm seat
Good news for {+seat}: {+firm} is to get {project}. | {+seat}传来好消息：{+firm}将拥有{project}。 | located_in firm seat
{Crowd} came to {landmark} in {+seat} on {+day}, when {+firm} presented {project}. | {+day}，{+firm}展示{project}时，{crowd}来到了{+seat}的{landmark}。 | located_in firm seat
Trouble at {+firm}: the opening of {project} in {+seat} had to be put off on {+day}. | {+firm}遇到麻烦：{+seat}{project}的启用仪式在{+day}被迫推迟。 | located_in firm seat
{+firm} and {+partner} signed a contract for {project} in {+seat} on {+day}. | {+day}，{+firm}与{+partner}在{+seat}就{project}签订了合同。 | partner_of firm partner

[headline_known]
On {+day}, {firm} opened {project} near {landmark}. | {+day}，{firm}在{landmark}附近开设了{project}。
{Crowd} came when {firm} presented {project} on {+day}. | {+day}，{firm}展示{project}时，{crowd}前来观看。
Now {firm} is to get {project}, paid for by {+partner}. | 如今{firm}将拥有{project}，由{+partner}出资。 | partner_of firm partner
This week {firm} and {+partner} announced plans for {project}. | 本周{firm}与{+partner}公布了{project}的计划。 | partner_of firm partner
{Project} is what {firm} promised the people of {seat} on {+day}. | {+day}，{firm}向{seat}居民承诺的正是{project}。 | located_in firm seat
The latest idea of {firm} is {project}, to be built in {seat} within {years}. | {firm}的最新构想是{project}，将在{years}内于{seat}建成。 | located_in firm seat

[founder_first]
{Ago} {+hero}, then {age_plain}, founded {+firm} in {+seat}. | {ago}，当时{age_plain}的{+hero}在{+seat}创办了{+firm}。 | founded hero firm, located_in firm seat
{+firm} began {ago} as a small office near {landmark} in {+seat}, opened by {+hero}. | {ago}，{+hero}在{+seat}{landmark}附近开了一间小办公室，{+firm}由此起步。 | founded hero firm, located_in firm seat
Hardly anyone in {+seat} believed in {+firm} when {+hero} founded it {ago}. | {ago}{+hero}创办{+firm}时，{+seat}几乎没有人看好。 | founded hero firm, located_in firm seat
The story of {+firm} began {ago} in {+seat}, where {+hero} founded it with {founding}. | {+firm}的故事始于{ago}，{+hero}凭着{founding}在{+seat}创办了它。 | founded hero firm, located_in firm seat
With {founding}, {+hero} founded {+firm} in {+seat} {ago}. | {ago}，{+hero}靠{founding}在{+seat}创办了{+firm}。 | founded hero firm, located_in firm seat

[founder]
{firm} was founded {ago} by {+hero}, {skilled} {+job}. | {firm}由{skilled}{+job}{+hero}于{ago}创办。 | founded hero firm
{+hero} founded {firm} {ago} with {founding}. | {ago}，{+hero}凭着{founding}创办了{firm}。 | founded hero firm
The founder of {firm}, {+hero}, started {ago} with {founding}. | {firm}的创办人{+hero}{ago}起家时只有{founding}。 | founded hero firm
It was {+hero} who founded {firm} {ago}, at that time still {+job.a}. | {ago}创办{firm}的是{+hero}，当时{hero.he}还是一名{+job}。 | founded hero firm
{+hero}, who founded {firm} {ago}, is known as {trait_a} and {trait_b}. | {ago}创办{firm}的{+hero}为人{trait_a}，又{trait_b}。 | founded hero firm
People in {seat} remember how {+hero} founded {firm} {ago}. | {seat}的人们还记得{ago}{+hero}创办{firm}的情景。 | founded hero firm

[detail]
Today {firm} {orgfact} and is known far beyond {seat}. | 如今{firm}{orgfact}，名声远播{seat}之外。 | located_in firm seat
{firm} employs {number} people, more than any other firm near {landmark}. | {firm}有{number}名员工，比{landmark}附近的任何一家都多。
The house of {firm} in {seat}, near {landmark}, {building_fact}. | {firm}位于{seat}{landmark}附近的大楼{building_fact}。 | located_in firm seat
Last year {firm} sold {copies} of its brochure and helped to pay for {event}. | 去年{firm}售出了{copies}宣传册，还资助了{event}。
Every {weekday}, {firm} opens its doors to visitors, who get {meal} for free. | 每逢{weekday}，{firm}向访客开放，还免费提供{meal}。
The work will take {years} and cost {money}, says {firm}. | {firm}表示，工程将历时{years}，耗资{money}。
{Money} was spent on it, half of which came from {+partner}. | 为此花费了{money}，其中一半来自{+partner}。

[quote]
"{Pledge}," said {+hero}, the head of {firm}. | “{pledge}。”{firm}负责人{+hero}说。 | works_for hero firm
"{Pledge}," said {hero}, who was {feeling_short}. | “{pledge}。”{hero}说，{hero.he}{feeling_short}。
"We began with {founding}, and now {pledge}," said {hero}. | “我们起步时只有{founding}，而现在{pledge}。”{hero}说。
{hero} was {feeling_short} and said that {promise}. | {hero}{feeling_short}，{hero.he}说{promise}。
Asked about {smalltopic}, {+hero} of {firm} only said: "{Pledge}." | 被问到{smalltopic}时，{firm}的{+hero}只说：“{pledge}。” | works_for hero firm
According to {+hero}, who leads {firm}, {promise}. | 据{firm}的领导人{+hero}说，{promise}。 | works_for hero firm
Near {landmark}, {hero} told reporters that {promise}. | 在{landmark}附近，{hero}告诉记者，{promise}。

[reaction]
People in {seat} are {glad}, because {hope}. | {seat}的居民很{glad}，因为{hope}。
Not everyone in {seat} is happy: some fear for {landmark}. | 在{seat}，并不是人人都高兴：有人为{landmark}担心。
"{Opinion}," said {skilled} {jobless} from {seat}. | “{opinion}。”{seat}一名{skilled}{jobless}说。
{Skilled} {jobless} near {landmark} thinks that {opinion}. | {landmark}附近一名{skilled}{jobless}认为，{opinion}。
The mayor of {seat} praised {firm} and said that {hope}. | {seat}市长称赞了{firm}，并说{hope}。 | located_in firm seat
{Crowd} celebrated near {landmark} until {lateness}. | {crowd}在{landmark}附近庆祝到{lateness}。
In the cafés of {seat} they talk about {smalltopic} and {firm} instead of the weather. | 在{seat}的咖啡馆里，人们不聊天气了，聊的是{smalltopic}和{firm}。 | located_in firm seat

[outlook]
Next year {firm} wants to take part in {event}. | 明年{firm}想参加{event}。
Within {years}, {firm} hopes to open a second house in {+away}. | {firm}希望在{years}内到{+away}再开一家。
{firm} is now looking for {skilled} {+job}. | {firm}目前正在招聘一名{skilled}{+job}。
The next meeting will be near {landmark} at {clock}. | 下一次会议将于{clock}在{landmark}附近举行。
Whether {opinion} remains to be seen, but {firm} is {feeling_short}. | 至于{opinion}这一点，还有待观察，不过{firm}{feeling_short}。
A party with {meal} is planned for {season_next}. | 计划在{season_next}举办一场聚会，届时供应{meal}。
Soon {firm} will send {skilled} {+job} to {+away} to learn more. | 不久{firm}将派一名{skilled}{+job}去{+away}学习。

[news_quiz]
Question: Where is {firm} based?\nAnswer: {seat} | 问题：{firm}位于哪里？\n回答：{seat} | answer seat
Question: Which organisation in {seat} is in the news?\nAnswer: {firm} | 问题：新闻讲的是{seat}的哪个机构？\n回答：{firm} | answer firm
Question: Which person does the report about {firm} name?\nAnswer: {hero.full} | 问题：关于{firm}的报道提到了谁？\n回答：{hero.full} | answer hero
Question: Who works together with {firm}?\nAnswer: {partner} | 问题：谁与{firm}合作？\n回答：{partner} | answer partner
Question: On which day was {firm} in the news?\nAnswer: {day} | 问题：{firm}是哪一天上新闻的？\n回答：{day} | answer day
Question: What is the full name of {hero}?\nAnswer: {hero.full} | 问题：{hero}的全名是什么？\n回答：{hero.full} | answer hero

[visit]
Last {weekday} I went to {+firm} in {+seat} with my {relative}. | 上个{weekday}，我和我{relative}去了{+seat}的{+firm}。 | located_in firm seat
I had heard about {+firm} from my {relative} and finally went there {ago}. | 我从我{relative}那里听说了{+firm}，{ago}终于去了。
We found {+firm} near {landmark} in {+seat}. | 我们在{+seat}的{landmark}附近找到了{+firm}。 | located_in firm seat
My {relative} took me to {+firm} for my birthday. | 我过生日时，我{relative}带我去了{+firm}。
{Ago} I tried {+firm}, which {orgfact}. | {ago}我去了一次{+firm}，那里{orgfact}。
On a visit to {+seat}, I had {duration} to spend and chose {+firm}. | 去{+seat}的时候，我有{duration}的空闲，就选了{+firm}。 | located_in firm seat
{+firm} in {+seat} is where I spent {duration} on {weekday}. | {weekday}，我在{+seat}的{+firm}待了{duration}。 | located_in firm seat
After {event}, we visited {+firm} in {+seat}. | 参加完{event}，我们去了{+seat}的{+firm}。 | located_in firm seat

[visit_work]
My {relative} gave me {+work}, {+medium.a} by {+hero}. | 我{relative}送给我{+work}，是{+hero}写的{+medium}。 | created hero work
{+work}, the new {+medium} by {+hero}, has {pages}. | {+hero}的新{+medium}{+work}有{pages}。 | created hero work
I read {+work} by {+hero} in {duration}; it is {+medium.a}. | 我用{duration}看完了{+hero}的{+work}，这是一部{+medium}。 | created hero work
On the train to {+seat} I began {+work}, {+medium.a} by {+hero}. | 在去{+seat}的火车上，我开始看{+hero}的{+medium}{+work}。 | created hero work
{Ago} I bought {+work}, {+medium.a} that {+hero} wrote in {years}. | {ago}我买了{+work}，{+hero}花了{years}写成的{+medium}。 | created hero work
{+hero} wrote {+work} {ago}, but I found the {+medium} only on {weekday}. | {+hero}{ago}写了{+work}，而我{weekday}才发现这部{+medium}。 | created hero work

[praise_detail]
{Aspect} was {good}{, and so was <aspect_b>}. | {aspect}{good}{，<aspect_b>也一样}。 | positive
{Aspect} was not {bad_plain} at all; on the contrary, it was {good}. | {aspect}一点也不{bad_plain}，恰恰相反，{good}。 | positive
What I liked best was {aspect}: simply {good}. | 我最喜欢的是{aspect}：简直{good}。 | positive
I have never seen anything like {aspect} at {firm}: {good} and never {bad_plain}. | {firm}的{aspect}我从没见过：{good}，从不{bad_plain}。 | positive
My {relative}, who is never satisfied, found {aspect} {good}. | 我那位从不满意的{relative}也觉得{aspect}{good}。 | positive
{Aspect} deserves a prize, and {aspect_b} was {good} too. | {aspect}值得获奖，{aspect_b}也{good}。 | positive
You will not find {aspect} as {good_plain} as this anywhere near {landmark}. | 在{landmark}一带，再也找不到{good_plain}得像这里一样的{aspect}了。 | positive

[blame_detail]
{Aspect} was {bad}{, and so was <aspect_b>}. | {aspect}{bad}{，<aspect_b>也一样}。 | negative
{Aspect} was not {good_plain} at all; on the contrary, it was {bad}. | {aspect}一点也不{good_plain}，恰恰相反，{bad}。 | negative
What I liked least was {aspect}: simply {bad}. | 我最不喜欢的是{aspect}：简直{bad}。 | negative
I have never seen anything like {aspect} at {firm}: {bad} and never {good_plain}. | {firm}的{aspect}我从没见过：{bad}，从来谈不上{good_plain}。 | negative
My {relative}, who is easy to please, found {aspect} {bad}. | 我那位很好说话的{relative}都觉得{aspect}{bad}。 | negative
{Aspect} was {bad}, and nobody could tell us why {aspect_b} was no better. | {aspect}{bad}，也没有人能告诉我们为什么{aspect_b}同样不好。 | negative

[praise_work]
{Work_aspect} is {good}{, and so is <work_aspect_b>}. | {work_aspect}{good}{，<work_aspect_b>也一样}。 | positive
{Work_aspect} of {work} is not {bad_plain} for a single page, it is {good}. | {work}的{work_aspect}没有一页{bad_plain}，{good}。 | positive
Thanks to {work_aspect}, the {medium} never gets {bad_plain}. | 多亏了{work_aspect}，这部{medium}从不让人觉得{bad_plain}。 | positive
I read it for {duration} without a break, because {work_aspect} is so {good_plain}. | 因为{work_aspect}实在{good_plain}，我一口气看了{duration}。 | positive
Every page is a pleasure, and {work_aspect} is {good}. | 每一页都是享受，{work_aspect}更是{good}。 | positive
Seldom has {work_aspect} been as {good_plain} as in {work}. | 很少有{work_aspect}像{work}这样{good_plain}的。 | positive

[blame_work]
{Work_aspect} is {bad}{, and so is <work_aspect_b>}. | {work_aspect}{bad}{，<work_aspect_b>也一样}。 | negative
{Work_aspect} of {work} is not {good_plain} for a single page, it is {bad}. | {work}的{work_aspect}没有一页{good_plain}，{bad}。 | negative
Because of {work_aspect}, the {medium} never gets {good_plain}. | 因为{work_aspect}，这部{medium}始终谈不上{good_plain}。 | negative
I fell asleep after {duration}, so {bad_plain} is {work_aspect}. | {work_aspect}太{bad_plain}了，我看了{duration}就睡着了。 | negative
Every page is a torment, and {work_aspect} is {bad}. | 每一页都是折磨，{work_aspect}更是{bad}。 | negative
Seldom has {work_aspect} been as {bad_plain} as in {work}. | 很少有{work_aspect}像{work}这样{bad_plain}的。 | negative

[praise_author]
{hero} writes like nobody else; even {work_aspect} is {good_plain}. | {hero}的文笔独一无二，就连{work_aspect}也{good_plain}。 | positive
I envy {hero} for {work_aspect}, which is {good}. | 我真羡慕{hero}，{work_aspect}{good}。 | positive
{hero.full} has never written anything better, and {work_aspect} proves it. | {hero.full}从没写过比这更好的作品，{work_aspect}就是证明。 | positive
If {hero} writes another {medium}, I will buy it for my {relative}. | 如果{hero}再写一部{medium}，我会买来送给我{relative}。 | positive
{hero} must be {trait_a} and {trait_b} to write so well about {smalltopic}. | {hero}一定{trait_a}，又{trait_b}，才能把{smalltopic}写得这么好。 | positive

[blame_author]
{hero} should have stopped writing after {duration}; {work_aspect} is {bad}. | {hero}写了{duration}就该停笔，{work_aspect}{bad}。 | negative
I do not understand how {hero} could get {work_aspect} so wrong. | 我不明白{hero}怎么会把{work_aspect}弄成这样。 | negative
{hero.full} has never written anything worse, and {work_aspect} proves it. | {hero.full}从没写过比这更差的作品，{work_aspect}就是证明。 | negative
If {hero} writes another {medium}, I will not even give it to my {relative}. | 如果{hero}再写一部{medium}，我连送给我{relative}都不愿意。 | negative
{hero} knows nothing about {smalltopic}, as {work_aspect} shows. | {hero}对{smalltopic}一无所知，{work_aspect}就说明了这一点。 | negative

[praise_feeling]
We laughed for {duration} and were {glad} afterwards. | 我们笑了{duration}，之后感到{glad}。 | positive
I told my {relative} about it at once, so {glad} was I. | 我感到非常{glad}，马上告诉了我{relative}。 | positive
Even my {relative}, who only cares for {smalltopic}, was {glad}. | 就连只关心{smalltopic}的{relative}也感到{glad}。 | positive
I cannot say that I was bored: after {duration} I still wanted more. | 我绝没有觉得无聊：过了{duration}我还意犹未尽。 | positive
Not once did I look at the clock in {duration}, and I was {glad}. | {duration}里我一次也没看钟，心里{glad}。 | positive
It was like {treat} on {weekday}: I was {glad}. | 就像{weekday}的{treat}一样，我感到{glad}。 | positive

[blame_feeling]
I was {sad} for {duration} afterwards. | 之后的{duration}里，我一直感到{sad}。 | negative
I warned my {relative} at once, so {sad} was I. | 我感到非常{sad}，马上提醒了我{relative}。 | negative
Even my {relative}, who is always {glad}, was {sad}. | 就连总是{glad}的{relative}也感到{sad}。 | negative
I cannot say that I enjoyed it: {duration} felt like {years}. | 我实在不能说喜欢：{duration}长得像{years}。 | negative
I looked at the clock again and again for {duration} and was {sad}. | {duration}里我一遍遍地看钟，心里{sad}。 | negative
It was like {torment} on {weekday}: I was {sad}. | 就像{weekday}的{torment}一样，我感到{sad}。 | negative

[praise_verdict]
I would go back to {firm} {anytime}. | 我{anytime}都愿意再去{firm}。 | positive
If you are ever in {seat}, do not miss {firm}. | 如果你去{seat}，千万不要错过{firm}。 | positive
{firm} has won {a_customer}, and I was {glad} to pay {fee}. | {firm}赢得了{a_customer}，花{fee}我也{glad}。 | positive
For {fee}, {firm} is a bargain that I recommend to {everyone}. | 只要{fee}，{firm}实在划算，我推荐给{everyone}。 | positive
I recommend {work} to {everyone}. | 我把{work}推荐给{everyone}。 | positive
{work} will stay on my shelf for {years}. | {work}会在我的书架上放{years}。 | positive
If you read only one {medium} {anyseason}, let it be {work}. | 如果{anyseason}只看一部{medium}，那就看{work}吧。 | positive
Buy {work}, and buy a second one for {everyone}. | 买下{work}吧，再买一本送给{everyone}。 | positive

[blame_verdict]
I would not go back to {firm} even for {treat}. | 就算有{treat}，我也不会再去{firm}。 | negative
If you are ever in {seat}, stay away from {firm}. | 如果你去{seat}，离{firm}远一点。 | negative
{firm} has lost {a_customer}, and I was {sad} to pay {fee}. | {firm}失去了{a_customer}，还让我{sad}地付了{fee}。 | negative
For {fee}, {firm} is a joke that I would not even recommend to {everyone}. | 居然要{fee}，{firm}简直是个笑话，我连{everyone}都不会推荐。 | negative
I cannot recommend {work} to {everyone}, or to anybody else. | 我没法把{work}推荐给{everyone}，也没法推荐给任何人。 | negative
{work} will not stay on my shelf for even {duration}. | {work}在我的书架上待不过{duration}。 | negative
If you read only one {medium} {anyseason}, let it not be {work}. | 如果{anyseason}只看一部{medium}，千万别看{work}。 | negative
Do not buy {work}, not even for {fee}. | 别买{work}，哪怕只要{fee}。 | negative

[concession_good]
True, {small_fault}, but that did not trouble us for more than {duration}. | 的确，{small_fault}，但我们没有为此烦恼超过{duration}。
My {relative} complained that {small_fault}, but I did not mind. | 我{relative}抱怨{small_fault}，但我并不介意。
At first I feared the worst, because {small_fault}; it lasted {duration}. | 因为{small_fault}，一开始我以为会很糟，不过只持续了{duration}。
Although {small_fault}, I have few complaints about {smalltopic}. | 虽然{small_fault}，但说到{smalltopic}，我没什么可抱怨的。

[concession_bad]
True, {small_merit}, but that did not help us for more than {duration}. | 的确，{small_merit}，但这对我们的帮助没有超过{duration}。
My {relative} said that {small_merit}, but I did not care. | 我{relative}说{small_merit}，但我并不在乎。
At first I hoped for the best, because {small_merit}; it lasted {duration}. | 因为{small_merit}，一开始我抱着很大希望，不过只持续了{duration}。
Although {small_merit}, I have many complaints about {smalltopic}. | 虽然{small_merit}，但说到{smalltopic}，我有很多可抱怨的。

[greet]
{+asker}: Good morning, {+helper}! {Smalltalk} | {+asker}：早上好，{+helper}！{smalltalk} | greet
{+asker}: Hello, {+helper}, I am {glad} to see you{ after <years>}. | {+asker}：你好，{+helper}，{过了<years>，}见到你我很{glad}。 | greet
{+asker}: Hi {+helper}! {Smalltalk} | {+asker}：嗨，{+helper}！{smalltalk} | greet
{+asker}: Good evening! You must be {+helper}. {Smalltalk} | {+asker}：晚上好！你一定就是{+helper}吧。{smalltalk} | greet
{+asker}: {+helper}, is that you, with {luggage}? Hello! | {+asker}：{+helper}，是你吗，还带着{luggage}？你好！ | greet
{+asker}: Excuse me, are you {+helper}? My {relative} sent me. | {+asker}：打扰一下，你是{+helper}吗？是我{relative}让我来的。 | greet

[greet_back]
{helper}: Good morning, {asker}! What can I do for you? | {helper}：早上好，{asker}！我能为你做什么？ | greet
{helper}: Hello, {asker}! {Smalltalk} | {helper}：你好，{asker}！{smalltalk} | greet
{helper}: Nice to see you, {asker}! I was just thinking about {smalltopic}. | {helper}：见到你真好，{asker}！我正想着{smalltopic}呢。 | greet
{helper}: Oh, hello {asker}! Would you like {meal}? | {helper}：哦，你好{asker}！要不要来{meal}？ | greet
{helper}: Hi {asker}, come in, and mind {pet_the}. | {helper}：嗨，{asker}，请进，小心{pet_the}。 | greet
{helper}: Welcome, {asker}! Let me take your {clothing}. | {helper}：欢迎，{asker}！我来帮你拿{clothing}。 | greet

[ask_place]
{asker}: Could you tell me where {+firm} is? | {asker}：你能告诉我{+firm}在哪里吗？ | ask_place
{asker}: I am looking for {+firm}. Is it far from {landmark}? | {asker}：我在找{+firm}。它离{landmark}远吗？ | ask_place
{asker}: How do I get to {+firm} from here, {helper}? | {asker}：{helper}，从这里怎么去{+firm}？ | ask_place
{asker}: My {relative} works at {+firm}, but where is it? | {asker}：我{relative}在{+firm}工作，可它在哪里呢？ | ask_place
{asker}: Do you know the way to {+firm} in {+seat}? | {asker}：你知道怎么去{+seat}的{+firm}吗？ | ask_place

[ask_place_directly]
{asker}: Does this road lead to {+firm}, {helper}, or do I turn {direction}? | {asker}：{helper}，这条路通往{+firm}吗，还是要{direction}？ | ask_place
{asker}: I have been looking for {+firm} for {duration}. Where is it? | {asker}：我找{+firm}找了{duration}了。它在哪里？ | ask_place
{asker}: Tell me, {helper}, where can I find {+firm}? | {asker}：请问，{helper}，{+firm}在什么地方？ | ask_place
{asker}: In which street of {+seat} is {+firm}, please? | {asker}：请问{+firm}在{+seat}的哪条街上？ | ask_place
{asker}: I want to buy {+goods.a}, so how do I get to {+firm}? | {asker}：我想买{+goods}，怎么去{+firm}呢？ | ask_place

[tell_place]
{helper}: Go past {landmark} and turn {direction}, then you will see {firm}. | {helper}：走过{landmark}，再{direction}，就能看到{firm}了。 | inform
{helper}: {firm} is near {landmark}, {distance} from here. | {helper}：{firm}在{landmark}附近，离这里{distance}。 | inform
{helper}: Turn {direction} near {landmark}, and then straight on for {distance}. | {helper}：在{landmark}附近{direction}，然后一直走{distance}。 | inform
{helper}: {firm}? It moved to {+away} {ago}. | {helper}：{firm}吗？它{ago}搬到{+away}去了。 | inform
{helper}: You cannot miss {firm}: it is the house with {souvenir} on the roof. | {helper}：你不会错过{firm}的：就是屋顶上有{souvenir}的那座房子。 | inform
{helper}: Take the bus to {landmark}; {firm} is {distance} behind it. | {helper}：坐公交车到{landmark}，{firm}就在后面{distance}。 | inform

[ask_time]
{asker}: And at what time does {firm} open on {+day}? | {asker}：那{firm}{+day}几点开门？ | ask_time
{asker}: When does {firm} close on {+day}? | {asker}：{firm}{+day}几点关门？ | ask_time
{asker}: What time should I be there on {+day}? | {asker}：{+day}我应该几点到那里？ | ask_time
{asker}: When exactly can I visit {firm} on {+day}? | {asker}：{+day}我具体几点可以去{firm}？ | ask_time
{asker}: From {landmark}, when is the next bus on {+day}? | {asker}：{+day}从{landmark}出发的下一班公交车是几点？ | ask_time

[tell_time]
{helper}: On {day}? At {+hour}, {asker}. | {helper}：{day}吗？{+hour}，{asker}。 | inform
{helper}: At {+hour} on {day}, as far as I know from my {relative}. | {helper}：{day}{+hour}，我是从我{relative}那里听说的。 | inform
{helper}: I think at {+hour}, but on {day} things are different because of {event}. | {helper}：我想是{+hour}，不过{day}有{event}，会不一样。 | inform
{helper}: {asker}, on {day} it is always at {+hour}. | {helper}：{asker}，{day}总是{+hour}。 | inform
{helper}: At {+hour}, unless {weather_now}. | {helper}：{+hour}，除非{weather_now}。 | inform

[ask_price]
{asker}: How much is {+goods.a} at {+firm}? | {asker}：{+firm}的{+goods}多少钱？ | ask_price
{asker}: I need {+goods.a} for my {relative}. What does it cost at {+firm}? | {asker}：我想给我{relative}买{+goods}。在{+firm}要多少钱？ | ask_price
{asker}: Does {+firm} still sell the {+goods}, and for how much? | {asker}：{+firm}还卖{+goods}吗？多少钱？ | ask_price
{asker}: What is the price of the {+goods}, {helper}? | {asker}：{helper}，{+goods}是什么价钱？ | ask_price

[tell_price]
{helper}: The {goods} costs {+price} dollars, {asker}. | {helper}：{goods}要{+price}美元，{asker}。 | inform
{helper}: For you, {asker}, only {+price} dollars. | {helper}：给你的话，{asker}，只要{+price}美元。 | inform
{helper}: It was cheaper {ago}, but now it is {+price} dollars. | {helper}：{ago}便宜些，现在要{+price}美元。 | inform
{helper}: That is {+price} dollars, with {gift} thrown in. | {helper}：一共{+price}美元，还送{gift}。 | inform
{helper}: {+price.Cap} dollars, and you will use it for {years}. | {helper}：{+price}美元，能用上{years}呢。 | inform

[order]
{asker}: {price.Cap} dollars? Then I will take the {goods} at once, {helper}. | {asker}：{price}美元？那我马上就买{goods}，{helper}。 | order
{asker}: Please send the {goods} to my house near {landmark}. | {asker}：请把{goods}送到{landmark}附近我的家里。 | order
{asker}: I would like to order the {goods} for {+day}, please. | {asker}：我想订{goods}，{+day}要。 | order
{asker}: All right, I will have the {goods}, and {meal} as well. | {asker}：好的，我要{goods}，再来{meal}。 | order

[take_order]
{helper}: So the {goods} for {price} dollars. Pay when you like, {asker}. | {helper}：那么是{goods}，{price}美元。什么时候付都行，{asker}。 | confirm
{helper}: Very well, {price} dollars. You can have the {goods} in {duration}. | {helper}：好的，{price}美元。{duration}后就能拿到{goods}。 | confirm
{helper}: Certainly, {asker}. The {goods} it is, and I will add {gift}. | {helper}：没问题，{asker}。就要{goods}，我再送你{gift}。 | confirm
{helper}: Good choice, {asker}: my {relative} bought the same {goods} {ago}. | {helper}：选得好，{asker}：我{relative}{ago}也买了{goods}。 | confirm

[book]
{asker}: I would like to book {seats} for {+count} people at {+firm} on {+day}. | {asker}：我想在{+firm}预订{+day}{+count}个人的{seats}。 | book
{asker}: Can I reserve {seats} at {+firm} for {+day}? We are {+count}. | {asker}：我能在{+firm}预订{+day}的{seats}吗？我们有{+count}个人。 | book
{asker}: On {+day}, {+count} of us want to come to {+firm}. Do you have {seats}? | {asker}：{+day}我们{+count}个人想来{+firm}。你们有{seats}吗？ | book
{asker}: {+count.Cap} people, {seats}, on {+day}: is that possible at {+firm}? | {asker}：{+count}个人，{seats}，{+day}：{+firm}能安排吗？ | book

[ask_hour]
{helper}: With pleasure, {asker}. At what time on {day}? | {helper}：很乐意，{asker}。{day}几点？ | ask_time
{helper}: {day} is fine. When will you come, and will you bring {pet}? | {helper}：{day}可以。你们什么时候来？会带{pet}吗？ | ask_time
{helper}: For {count} people, let me see. What time, {asker}? | {helper}：{count}个人，我看看。几点，{asker}？ | ask_time
{helper}: On {day} we have {event} here. What time would you like? | {helper}：{day}我们这里有{event}。你们想要几点？ | ask_time

[give_hour]
{asker}: At {+hour}, if that is possible, {helper}. | {asker}：如果可以的话，{+hour}，{helper}。 | inform
{asker}: {+hour.Cap} would be best because of my {relative}. | {asker}：因为我{relative}，最好是{+hour}。 | inform
{asker}: We will arrive {vehicle}, so say {+hour}. | {asker}：我们{vehicle}来，那就{+hour}吧。 | inform
{asker}: Not before {+hour}, since until then we are near {landmark}. | {asker}：不要早于{+hour}，在那之前我们都在{landmark}附近。 | inform

[confirm]
{helper}: So {count} people on {day} at {hour}. See you then, {asker}! | {helper}：那就是{day}{hour}，{count}个人。到时候见，{asker}！ | confirm
{helper}: Done: {seats} for {count}, {day}, {hour}. | {helper}：订好了：{count}个人的{seats}，{day}，{hour}。 | confirm
{helper}: I have written it down, {asker}: {day}, {hour}, {count} people, {meal} included. | {helper}：我记下了，{asker}：{day}，{hour}，{count}个人，包括{meal}。 | confirm
{helper}: {firm} will expect {count} of you at {hour} on {day}. | {helper}：{firm}会在{day}{hour}恭候你们{count}位。 | confirm

[invite]
{asker}: Would you like to {+hobby} with me on {+day}? | {asker}：{+day}你想和我一起{+hobby}吗？ | invite
{asker}: My {relative} and I are going to {+hobby} on {+day}. Will you join us? | {asker}：{+day}我和我{relative}要去{+hobby}。你来吗？ | invite
{asker}: Let us {+hobby} on {+day}, {helper}, before {event} begins. | {asker}：{helper}，趁{event}还没开始，我们{+day}一起{+hobby}吧。 | invite
{asker}: I have {gift} for you, {helper}, if you {+hobby} with me on {+day}. | {asker}：{helper}，如果你{+day}和我一起{+hobby}，我就送你{gift}。 | invite

[accept]
{helper}: On {day}? Gladly! I have not done that for {years}. | {helper}：{day}吗？太好了！我已经{years}没做过了。 | accept
{helper}: Yes, {asker}, I would love to {hobby}. Where do we meet? | {helper}：好啊，{asker}，我很想{hobby}。我们在哪里碰头？ | accept
{helper}: What a good idea! May my {relative} come too? | {helper}：好主意！我{relative}也可以来吗？ | accept
{helper}: Of course I will {hobby} with you. I will bring {meal}. | {helper}：我当然会和你一起{hobby}。我会带{meal}来。 | accept

[decline]
{helper}: Sorry, {asker}, on {day} I must visit my {relative}. | {helper}：对不起，{asker}，{day}我得去看我{relative}。 | decline
{helper}: I would love to {hobby}, but on {day} I am busy with {event}. | {helper}：我很想{hobby}，可是{day}我要忙{event}。 | decline
{helper}: Thank you, {asker}, but I am too {mood} to {hobby}. | {helper}：谢谢你，{asker}，不过我太{mood}了，没法去{hobby}。 | decline
{helper}: Not on {day}: I am travelling {vehicle} to {+away}. | {helper}：{day}不行：我要{vehicle}去{+away}。 | decline

[settle]
{asker}: Then let us meet at {+hour} near {landmark}. | {asker}：那我们{+hour}在{landmark}附近见。 | confirm
{asker}: Good, {day} at {+hour}. Do not forget your {belonging}! | {asker}：好，{day}{+hour}。别忘了带{belonging}！ | confirm
{asker}: I will pick you up at {+hour} on {day}, {helper}. | {asker}：{helper}，{day}{+hour}我来接你。 | confirm
{asker}: {+hour.Cap} suits me. Wear your {clothing}, {helper}. | {asker}：{+hour}我方便。{helper}，记得穿上{clothing}。 | confirm

[complain]
{asker}: The {+goods} that I bought from {+firm} is broken after {duration}! | {asker}：我在{+firm}买的{+goods}，才{duration}就坏了！ | complain, negative
{asker}: I am {sad}: {+firm} sent me {gift} instead of {+goods.a}. | {asker}：我很{sad}：{+firm}把{+goods}错发成了{gift}。 | complain, negative
{asker}: I have waited {duration} for {+goods.a} from {+firm}. | {asker}：我等{+firm}的{+goods}已经等了{duration}。 | complain, negative
{asker}: Your {+firm} promised me {+goods.a} for {+day}, but nothing came. | {asker}：你们{+firm}答应{+day}给我{+goods}，可什么也没来。 | complain, negative

[apologise]
{helper}: I am very sorry, {asker}. You will get {gift} from us. | {helper}：非常抱歉，{asker}。我们会送你{gift}。 | apologise
{helper}: Please forgive us: {weather}, and everything was late. | {helper}：请原谅我们：{weather}，什么都耽误了。 | apologise
{helper}: Oh no, {asker}! {firm} will send the {goods} again today. | {helper}：哎呀，{asker}！{firm}今天就重新寄出{goods}。 | apologise
{helper}: That is our fault, {asker}. I will call {firm} in {+away} at once. | {helper}：这是我们的错，{asker}。我马上打电话给{+away}的{firm}。 | apologise

[calm_down]
{asker}: All right, {helper}, but {clock} is the latest. | {asker}：好吧，{helper}，但最晚{clock}。 | accept
{asker}: Well, my {relative} will be {glad} about that. | {asker}：嗯，我{relative}会为此感到{glad}的。 | accept
{asker}: Then I will wait another {duration}, {helper}. | {asker}：那我就再等{duration}吧，{helper}。 | accept
{asker}: Fine, but I also want {meal}. | {asker}：行，不过我还要{meal}。 | accept
{asker}: Thank you, {helper}, now I am {glad} again. | {asker}：谢谢你，{helper}，现在我又{glad}了。 | thank, positive

[ask_advice]
{asker}: Which {+medium} should I read on the train to {+away}? | {asker}：在去{+away}的火车上，我该看哪部{+medium}？ | ask_advice
{asker}: My {relative} likes {+hobby.ing}. Do you know {+medium.a} about it? | {asker}：我{relative}喜欢{+hobby}。你知道这方面的{+medium}吗？ | ask_advice
{asker}: I want to give {+medium.a} to my {relative} on {+day}. Any ideas? | {asker}：{+day}我想送我{relative}一部{+medium}。你有什么建议吗？ | ask_advice
{asker}: I am {mood}, {helper}. What {+medium} would cheer me up? | {asker}：我有些{mood}，{helper}。什么{+medium}能让我高兴起来？ | ask_advice

[recommend]
{helper}: Take {+work}, {asker}; {work_aspect} is {good}. | {helper}：看{+work}吧，{asker}，{work_aspect}{good}。 | recommend, positive
{helper}: I would say {+work} by {+hero}. | {helper}：我推荐{+hero}的{+work}。 | recommend, positive, created hero work
{helper}: There is {+work}, but I found {work_aspect} {bad_plain}. | {helper}：有一部{+work}，不过我觉得{work_aspect}{bad_plain}。 | recommend, negative
{helper}: {asker}, you must try {+work}. My {relative} finished it in {duration}. | {helper}：{asker}，你一定要看{+work}。我{relative}{duration}就看完了。 | recommend, positive
{helper}: {+hero} has just written {+work}, {medium.a} about {smalltopic}. | {helper}：{+hero}刚写了{+work}，一部关于{smalltopic}的{medium}。 | recommend, created hero work

[regret]
{asker}: What a pity, {helper}. Then perhaps next {weekday}! | {asker}：真可惜，{helper}。那就下个{weekday}吧！ | goodbye
{asker}: Never mind, {helper}, I will ask my {relative}. Bye! | {asker}：没关系，{helper}，我去问问我{relative}。拜拜！ | goodbye
{asker}: Too bad, and I had already packed {luggage}. Goodbye, {helper}! | {asker}：太遗憾了，我连{luggage}都准备好了。再见，{helper}！ | goodbye
{asker}: Then I will {hobby} alone. See you soon, {helper}! | {asker}：那我就一个人去{hobby}。回头见，{helper}！ | goodbye

[thank]
{asker}: Thank you very much, {helper}. You are so {kind_b}. | {asker}：非常感谢，{helper}。你真{kind_b}。 | thank
{asker}: Thanks, {helper}! I will bring you {gift} next time. | {asker}：谢谢，{helper}！下次我给你带{gift}来。 | thank
{asker}: That helps me a lot, {helper}; my {relative} will be {glad}. | {asker}：你帮了大忙，{helper}，我{relative}会很{glad}的。 | thank
{asker}: Many thanks! Without you I would have searched for {duration}, {helper}. | {asker}：多谢！要不是你，{helper}，我得找上{duration}。 | thank
{asker}: How {kind_b} of you, {helper}, thank you! | {asker}：{helper}，你真{kind_b}，谢谢！ | thank

[bye]
{helper}: Goodbye, {asker}, and greet your {relative} from me! | {helper}：再见，{asker}，替我问候你的{relative}！ | goodbye
{helper}: See you soon, {asker}. Put on your {clothing}, {weather_now}! | {helper}：回头见，{asker}。穿上{clothing}，{weather_now}！ | goodbye
{helper}: Bye, {asker}! Next time we talk about {smalltopic}. | {helper}：拜拜，{asker}！下次我们聊聊{smalltopic}。 | goodbye
{helper}: Have a good {weekday}, {asker}! | {helper}：祝你{weekday}愉快，{asker}！ | goodbye
{helper}: Until next {weekday}, {asker}, and enjoy {meal}! | {helper}：下个{weekday}见，{asker}，好好享用{meal}！ | goodbye
"""

# ---------------------------------------------------------------- parts of sentences, shared by all topics

PHRASES = r"""
[day]
Monday 周一; Tuesday 周二; Wednesday 周三; Thursday 周四; Friday 周五; Saturday 周六; Sunday 周日

[weekday]
Monday 周一; Tuesday 周二; Wednesday 周三; Thursday 周四; Friday 周五; Saturday 周六; Sunday 周日

[hour]
eight o'clock 八点; half past eight 八点半; nine o'clock 九点; ten o'clock 十点; half past ten 十点半
eleven o'clock 十一点; noon 中午; one o'clock 一点; two o'clock 两点; half past two 两点半; three o'clock 三点
four o'clock 四点; five o'clock 五点; half past five 五点半; six o'clock 六点; seven o'clock 七点

[clock]
six o'clock 六点; half past six 六点半; nine o'clock 九点; noon 中午; three o'clock 三点; half past four 四点半

[price]
ten 十; twelve 十二; fifteen 十五; eighteen 十八; twenty 二十; twenty-five 二十五; thirty 三十; forty 四十
forty-five 四十五; fifty 五十; sixty 六十; eighty 八十; ninety 九十

[count]
two 两; three 三; four 四; five 五; six 六; seven 七; eight 八; nine 九; ten 十; twelve 十二

[number]
twelve 十二; fifteen 十五; twenty 二十; thirty 三十; forty 四十; fifty 五十; sixty 六十; seventy 七十; eighty 八十
ninety 九十; a hundred | 一百; two hundred | 两百; three hundred | 三百

[fee]
{number} dollars | {number}美元

[money]
ten thousand dollars | 一万美元; fifty thousand dollars | 五万美元; a hundred thousand dollars | 十万美元
half a million dollars | 五十万美元; a million dollars | 一百万美元; two million dollars | 两百万美元
three million dollars | 三百万美元; five million dollars | 五百万美元

[copies]
five hundred copies | 五百册; a thousand copies | 一千册; two thousand copies | 两千册; five thousand copies | 五千册
ten thousand copies | 一万册; thirty thousand copies | 三万册

[pages]
{hundreds} pages | {hundreds}页; {hundreds} pages and no pictures | {hundreds}页，没有插图; {hundreds} pages and an index | {hundreds}页，附有索引
{hundreds} pages in small print | {hundreds}页，字印得很小

[hundreds]
eighty 八十; ninety 九十; a hundred | 一百; two hundred | 两百; three hundred | 三百; four hundred | 四百; six hundred | 六百

[duration]
an hour | 一个小时; half an hour | 半个小时; two hours | 两个小时; three hours | 三个小时; four hours | 四个小时
five hours | 五个小时; six hours | 六个小时; twenty minutes | 二十分钟; forty minutes | 四十分钟; fifty minutes | 五十分钟
a whole day | 一整天; half a day | 半天

[years]
two years | 两年; three years | 三年; four years | 四年; five years | 五年; six years | 六年; seven years | 七年
eight years | 八年; nine years | 九年; ten years | 十年; many years | 许多年

[ago]
two years ago | 两年前; three years ago | 三年前; four years ago | 四年前; five years ago | 五年前; six years ago | 六年前
seven years ago | 七年前; eight years ago | 八年前; ten years ago | 十年前; many years ago | 很多年前
last spring | 去年春天; last summer | 去年夏天; last autumn | 去年秋天; last winter | 去年冬天

[age]
twenty-one 二十一岁; twenty-two 二十二岁; twenty-three 二十三岁; twenty-four 二十四岁; twenty-five 二十五岁
twenty-six 二十六岁; twenty-seven 二十七岁; twenty-eight 二十八岁; twenty-nine 二十九岁; thirty 三十岁; thirty-one 三十一岁

[schoolage]
sixteen 十六岁; seventeen 十七岁; eighteen 十八岁; nineteen 十九岁

[childage]
five 五岁; six 六岁; seven 七岁; eight 八岁; nine 九岁; ten 十岁; eleven 十一岁; twelve 十二岁

[age_plain]
still a student | 还是学生; only twenty years old | 只有二十岁; without a job | 没有工作; new in town | 初来乍到
deep in debt | 负债累累; hardly known | 默默无闻

[season]
in spring | 春天; in summer | 夏天; in autumn | 秋天; in winter | 冬天; on cold mornings | 寒冷的早晨; at weekends | 周末
at night | 夜里; before breakfast | 早饭前

[season_next]
next spring | 明年春天; next summer | 明年夏天; next autumn | 明年秋天; next winter | 明年冬天; next {weekday} | 下个{weekday}

[anyseason]
this spring | 今年春天; this summer | 今年夏天; this autumn | 今年秋天; this winter | 今年冬天; this year | 今年

[anytime]
tomorrow 明天; every week | 每个星期; at any hour | 任何时候; in the middle of the night | 半夜; on my birthday | 过生日的时候
next {weekday} | 下个{weekday}; in heavy rain | 下大雨

[lateness]
midnight 半夜; one in the morning | 凌晨一点; three in the morning | 凌晨三点; half past eleven | 夜里十一点半; dawn | 天亮时

[vehicle]
by train | 坐火车; by bus | 坐长途汽车; by bicycle | 骑自行车; by car | 开车; on foot | 步行; by boat | 坐船
on an old motorbike | 骑着旧摩托车; by taxi | 坐出租车; on a borrowed horse | 骑着借来的马

[commute]
cycles 骑车; walks 步行; runs 跑步; drives 开车; takes the bus | 坐公交车; takes the tram | 坐电车; takes the ferry | 坐渡轮

[distance]
two streets | 两条街; three streets | 三条街; two hundred metres | 两百米; one kilometre | 一公里; half a mile | 半英里
five minutes | 五分钟的路; ten minutes | 十分钟的路; three bus stops | 三站路

[direction]
left 左转; right 右转; left at the lights | 在红绿灯处左转; right at the lights | 在红绿灯处右转
left at the bakery | 在面包店那里左转; right at the big tree | 在大树那里右转

[townkind]
a small town by the sea | 一座海边小镇; a quiet town in the hills | 山间一座安静的小镇; an old town with narrow streets | 一座街道狭窄的老城
a busy town on a river | 一座热闹的河畔小城; a town with many bridges | 一座有很多桥的小城; a rainy town in the north | 北方一座多雨的小城
a sunny town in the south | 南方一座阳光充足的小城; a town known for its apples | 一座以苹果闻名的小镇
a town at the edge of a forest | 一座森林边的小镇; a former mining town | 一座昔日的矿业小城; a town full of students | 一座到处是学生的小城
a town without a railway | 一座不通火车的小镇; a windy town on an island | 岛上一座多风的小镇

[townreason]
the air is clean | 空气清新; everybody knows everybody | 大家都互相认识; the rents are low | 房租便宜; the sea is near | 离海很近
the schools are good | 学校很好; nobody is in a hurry | 谁都不慌不忙; the winters are mild | 冬天很暖和
there are so many trees | 树特别多

[landmark]
the old bridge | 老桥; the town hall | 市政厅; the railway station | 火车站; the market square | 集市广场; the harbour | 港口
the public library | 公共图书馆; the windmill | 风车; the water tower | 水塔; the city park | 城市公园; the cinema | 电影院
the hospital | 医院; the post office | 邮局; the cathedral | 大教堂; the fish market | 鱼市; the botanical garden | 植物园
the fountain | 喷泉; the fire station | 消防站; the old mill | 老磨坊; the police station | 警察局; the bus station | 汽车站

[house]
a small house | 一座小房子; a red brick house | 一座红砖房; a wooden house | 一座木屋; a house with a green door | 一座绿门的房子
a house without a garden | 一座没有花园的房子; an old farmhouse | 一座旧农舍; a house full of books | 一座堆满书的房子
a narrow house | 一座窄窄的房子; a white house | 一座白房子

[pet]
two cats | 两只猫; an old dog | 一条老狗; three goldfish | 三条金鱼; a grey parrot | 一只灰鹦鹉; a lazy cat | 一只懒猫
a small dog | 一条小狗; a tortoise | 一只乌龟; four hens | 四只母鸡; a white rabbit | 一只白兔; a noisy canary | 一只爱叫的金丝雀

[pet_the]
the dog | 狗; the cat | 猫; the parrot | 鹦鹉; the step | 台阶; the low door | 门很矮; the wet paint | 油漆未干; the hens | 母鸡

[meal]
a bowl of soup | 一碗汤; a plate of noodles | 一盘面条; two boiled eggs | 两个煮鸡蛋; a slice of apple pie | 一块苹果派
a cheese sandwich | 一个奶酪三明治; a bowl of rice | 一碗米饭; fried fish | 煎鱼; baked potatoes | 烤土豆; tomato salad | 番茄沙拉
pancakes with honey | 蜂蜜薄饼; a mushroom omelette | 一份蘑菇煎蛋卷; bread with butter | 黄油面包; chocolate cake | 巧克力蛋糕; vegetable stew | 炖蔬菜

[gift]
a box of chocolates | 一盒巧克力; a bunch of flowers | 一束花; a bottle of juice | 一瓶果汁; a silk scarf | 一条丝巾
a basket of pears | 一篮梨; a jar of honey | 一罐蜂蜜; a picture book | 一本画册; a pot of basil | 一盆罗勒; a warm blanket | 一条暖和的毯子
a pack of cards | 一副扑克牌; a chess set | 一副国际象棋; a handmade cup | 一个手工杯子; a little cactus | 一盆小仙人掌

[luggage]
a heavy suitcase | 一个沉重的行李箱; a small backpack | 一个小背包; two big bags | 两个大袋子; a basket of apples | 一篮苹果
a rolled-up tent | 一顶卷好的帐篷; a cardboard box | 一个纸箱; a birdcage | 一个鸟笼; a folding chair | 一把折叠椅
a sack of potatoes | 一袋土豆; a travelling bag | 一个旅行袋

[belonging]
umbrella 雨伞; watch 手表; camera 相机; phone 手机; torch 手电筒; backpack 背包; bicycle 自行车; flask 水壶

[clothing]
old coat | 旧大衣; green jacket | 绿夹克; raincoat 雨衣; pullover 毛衣; leather jacket | 皮夹克; denim jacket | 牛仔夹克
winter coat | 冬大衣; yellow cardigan | 黄色开衫

[souvenir]
a wooden spoon | 一把木勺; a blue stone | 一块蓝石头; a postcard | 一张明信片; a big shell | 一个大贝壳; a brass bell | 一个铜铃
a paper lantern | 一盏纸灯笼; a small flag | 一面小旗子; a tin soldier | 一个锡兵; a clay jug | 一个陶罐; a carved owl | 一只木雕猫头鹰

[sound]
a strange noise | 奇怪的响声; music 音乐声; somebody singing | 有人在唱歌; a dog barking | 狗叫声; church bells | 教堂的钟声
children laughing | 孩子们的笑声; a train whistle | 火车的汽笛声

[weather]
it was raining hard | 下着大雨; the sun was shining | 阳光灿烂; it was bitterly cold | 天气冷得刺骨
a storm was coming | 暴风雨快来了; thick fog lay over the streets | 街上大雾弥漫; it had snowed all night | 雪下了整整一夜
the wind blew from the east | 刮着东风; it was hotter than ever | 天气前所未有地热; the sky was grey | 天空灰蒙蒙的
it began to hail | 下起了冰雹; there was thunder in the distance | 远处传来雷声; the streets were covered with ice | 街上结满了冰

[weather_now]
it is raining | 下雨了; it is snowing | 下雪了; there is a storm | 有暴风雨; it is getting dark | 天快黑了; it is freezing | 天寒地冻
the wind is strong | 风很大

[mood]
tired 疲倦; nervous 紧张; bored 无聊; sad 难过; restless 烦躁; worried 担心; lonely 孤单; hungry 饥饿

[glad]
happy 高兴; delighted 欣喜; pleased 满意; cheerful 愉快; relieved 欣慰; content 满足; thrilled 激动; overjoyed 兴奋

[sad]
disappointed 失望; angry 生气; annoyed 恼火; unhappy 不开心; frustrated 沮丧; upset 难受; furious 气愤; grumpy 烦闷

[feeling]
tired but happy | 又累又开心; hungry and wet | 又饿又湿; with a smile | 面带微笑; without a word | 一言不发
deep in thought | 若有所思; humming a tune | 哼着小曲; with cold feet | 双脚冰凉; full of new ideas | 满脑子新主意
shaking with laughter | 笑得浑身发抖; wiser than before | 比以前更懂事了

[feeling_short]
very proud | 非常自豪; quite calm | 相当平静; a little nervous | 有点紧张; deeply moved | 深受感动; rather surprised | 颇为惊讶
full of hope | 充满希望; very curious | 十分好奇; truly grateful | 由衷感激

[trait_a]
kind 善良; patient 有耐心; honest 诚实; friendly 友好; generous 大方; clever 聪明; brave 勇敢; polite 有礼貌
hard-working 勤奋; calm 沉着; helpful 乐于助人; modest 谦虚

[trait_b]
stubborn 固执; shy 害羞; forgetful 健忘; impatient 性急; talkative 话多; untidy 邋遢; ambitious 有抱负; thrifty 节俭
strict 严格; serious 严肃; noisy 爱吵闹; superstitious 迷信

[kind_b]
kind 好心; patient 有耐心; generous 大方; helpful 热心; thoughtful 体贴; clever 聪明

[skilled]
a patient | 有耐心的; an experienced | 经验丰富的; a cheerful | 开朗的; a careful | 细心的; an honest | 诚实的
a young | 年轻的; an ambitious | 有抱负的; a friendly | 友好的; a talented | 有才华的; an unusual | 与众不同的

[jobless]
shopkeeper 店主; student 学生; pensioner 退休老人; bus driver | 公交车司机; nurse 护士; farmer 农民; policeman 警察
mother of three | 三个孩子的母亲

[companion]
old friend | 老朋友; neighbour 邻居; colleague 同事; old classmate | 老同学; flatmate 室友; best friend | 挚友
chess partner | 棋友; pen friend | 笔友; former teacher | 启蒙老师; fellow student | 同学

[relative]
sister 妹妹; brother 哥哥; mother 母亲; father 父亲; grandmother 祖母; grandfather 祖父; aunt 姑姑; uncle 叔叔
cousin 表弟; godmother 教母; niece 侄女; nephew 侄子

[meetingplace]
at a wedding | 婚礼上; on a train | 火车上; at school | 学校; in hospital | 医院; on a ship | 船上; in a queue | 排队的时候
at a birthday party | 生日聚会上; near {landmark} | {landmark}附近

[smalltopic]
old times | 往事; the price of bread | 面包的价格; love 爱情; the sea | 大海; ghosts 鬼怪; the future | 未来; money 金钱
bad neighbours | 坏邻居; lost friends | 失散的朋友; family life | 家庭生活; politics 政治; {subject} | {subject} | weight 3

[hobby_time]
two hours a day | 每天两个小时; three evenings a week | 每周三个晚上; every Sunday | 每个周日; so much enthusiasm | 这样的热情

[skill]
to drive | 开车; to cook | 做饭; to whistle | 吹口哨; to play chess | 下国际象棋; to knit | 织毛衣; to dance | 跳舞; to juggle | 杂耍
to ski | 滑雪; to speak Italian | 说意大利语

[orgfact]
employs {number} people | 有{number}名员工; is older than {landmark} | 比{landmark}还古老; never closes | 从不关门
has won many prizes | 得过许多奖; is famous for its garden | 以花园闻名; belongs to the town | 归市里所有
grows every year | 一年比一年大; was once a family business | 曾经是家族生意; has {number} branches | 有{number}家分部

[building_fact]
has {number} rooms | 有{number}个房间; needs a new roof | 需要换新屋顶; was once a school | 曾经是一所学校
is painted yellow | 漆成了黄色; is open to everybody | 对所有人开放; has its own well | 有自己的水井

[founding]
one old computer | 一台旧电脑; two friends | 两个朋友; a borrowed car | 一辆借来的汽车; {fee} | {fee}; a single table | 一张桌子
three employees | 三名员工; nothing but an idea | 一个想法; a loan from an aunt | 姑姑的借款; a lucky lottery ticket | 一张中奖的彩票

[pledge]
we will keep our word | 我们会信守诺言; we thank our neighbours | 我们感谢邻居们; {promise} | {promise} | weight 7
we have learned from our mistakes | 我们从错误中学到了教训; we did not expect so many guests | 我们没想到会有这么多客人

[promise]
it will create {number} jobs | 这将带来{number}个工作岗位; everybody is welcome | 欢迎所有人; the best is still to come | 好戏还在后头
this is only the beginning | 这只是开始; {number} families will benefit | {number}个家庭将会受益
no tree will be cut down | 一棵树也不会被砍掉; the doors will open at {clock} | 大门将在{clock}打开

[opinion]
prices will rise | 物价会上涨; it will get very noisy | 会变得很吵; {landmark} will look smaller | {landmark}会显得更小
nothing will get better | 什么都不会好转; {hope} | {hope} | weight 5

[hope]
life in the town will be easier | 城里的生活会更方便; more visitors will come | 会有更多游客到来; the streets will be safer | 街道会更安全
young people will stay | 年轻人会留下来; the town will be proud of it | 全城都会为此自豪; there will be more work | 工作机会会更多
even {landmark} will look nicer | 连{landmark}也会显得更美

[rumour]
{landmark} is for sale | {landmark}要卖掉了; the mayor is getting married | 市长要结婚了; they are building a tunnel | 他们在修一条隧道
the circus is in town | 马戏团进城了; bread is getting cheaper | 面包要降价了; my {relative} has won a car | 我{relative}赢了一辆汽车

[crowd]
hundreds of people | 几百人; a large crowd | 一大群人; many families | 许多家庭; half the town | 半个城的人
{number} visitors | {number}名游客; schoolchildren and their teachers | 学生和老师们

[smalltalk]
how are you today? | 今天过得怎么样？; what a lovely day! | 天气真好！; how is your {relative}? | 你的{relative}好吗？
did you sleep well? | 你睡得好吗？; I have not seen you for {years}! | 我都{years}没见到你了！; you look {mood} today. | 你今天看起来有些{mood}。
I like your {clothing}. | 我喜欢你的{clothing}。; my {relative} talks about you all the time. | 我{relative}老是说起你。
I have brought you {gift}. | 我给你带了{gift}。; did you hear that {rumour}? | 你听说了吗，{rumour}？
forgive me for being late, but {weather}. | 抱歉我来晚了，{weather}。; I was near {landmark} and saw your light. | 我在{landmark}附近，看到你家的灯亮着。

[good]
excellent 非常出色; wonderful 好极了; outstanding 十分突出; first-rate 堪称一流; delightful 令人愉快; impressive 令人难忘
perfect 完美无缺; remarkable 很不一般; brilliant 极为精彩; better than ever | 比以往任何时候都好

[good_plain]
good 好; pleasant 令人愉快; convincing 让人信服; charming 迷人; surprising 让人惊喜; original 新颖

[bad]
terrible 糟糕透顶; poor 很差; awful 糟得要命; disappointing 令人失望; dreadful 差得离谱; mediocre 平庸得很; careless 马马虎虎
unpleasant 令人不快; hopeless 一塌糊涂; worse than ever | 比以往任何时候都差

[bad_plain]
bad 差; dull 乏味; boring 无聊; ordinary 平淡; confusing 让人糊涂; tiring 累人

[aspect_b]
the service | 服务; the welcome | 接待; the building | 环境; the website | 网站; the price | 价格; the waiting room | 等候室
the lighting | 灯光; the car park | 停车场

[work_aspect]
the plot | 情节; the language | 语言; the beginning | 开头; the ending | 结尾; the main character | 主人公; the style | 文风
the humour | 幽默; the first chapter | 第一章

[work_aspect_b]
the cover | 封面; the paper | 纸张; the preface | 前言; the printing | 印刷; the choice of pictures | 插图的选择; the title | 书名

[small_fault]
it was not cheap | 价格不便宜; the beginning was slow | 开头有点慢; the colours were ugly | 颜色很难看; it was hard to find | 很难找到
it took too long | 时间太长; the instructions were missing | 没有说明

[small_merit]
it was cheap | 价格便宜; the beginning was promising | 开头很有希望; the colours were pretty | 颜色很漂亮; it was easy to find | 很容易找到
it did not take long | 时间不长; the idea was new | 想法很新颖

[a_customer]
a customer | 一位顾客; a friend | 一个朋友; a regular guest | 一位常客; a supporter | 一个支持者

[everyone]
my friends | 我的朋友们; all my colleagues | 所有同事; my neighbours | 邻居们; young people | 年轻人; my whole family | 全家人
people who like {subject} | 喜欢{subject}的人; tired parents | 疲惫的父母; my worst enemy | 我最大的敌人

[treat]
a holiday | 假期; a birthday party | 生日聚会; a free breakfast | 免费早餐; a warm bath | 热水澡; a long walk | 一次长长的散步

[torment]
a visit to the dentist | 看牙医; a traffic jam | 堵车; a long exam | 漫长的考试; a cold shower | 冷水澡; a tax form | 报税表

[seats]
a place by the window | 靠窗的位置; seats in the front row | 前排的座位; a quiet corner | 安静的角落; a guided tour | 导览
a private room | 包间; a corner with a view | 能看风景的角落
"""

# ---------------------------------------------------------------- what belongs to one topic

TOPIC_SENTENCES = ("scene",)

# The rule that asks questions about a kind of document.
QUIZZES = {"story": "quiz", "news": "news_quiz"}

TOPICS = {
    "sport": r"""
[subject]
football 足球; the last marathon | 上一届马拉松; the Olympic Games | 奥运会; a famous boxer | 一位著名拳击手
[job]
coach 教练; referee 裁判; goalkeeper 守门员; swimming teacher | 游泳老师; sports reporter | 体育记者; groundskeeper 场地管理员
athlete 运动员
[hobby]
run/ran/running along the river | 沿着河跑步; play/played/playing table tennis | 打乒乓球; swim/swam/swimming in the lake | 在湖里游泳
climb/climbed/climbing steep rocks | 攀爬陡峭的岩壁; practise/practised/practising penalty kicks | 练习罚点球; lift/lifted/lifting weights | 举重
row/rowed/rowing a small boat | 划小船; throw/threw/throwing the javelin | 掷标枪
[kind]
United 联队; Athletic 竞技队; Rovers 流浪者队; Gymnastics 体操俱乐部; Cycling 自行车俱乐部
[medium]
football novel | 足球小说; boxing memoir | 拳击回忆录; runner's diary | 跑步者日记; history of the Olympics | 奥运史
[goods]
racing bicycle | 公路自行车; tennis racket | 网球拍; football 足球; rowing machine | 划船机; skateboard 滑板
[event]
the spring marathon | 春季马拉松; the boat race | 划船比赛; the football final | 足球决赛; the swimming gala | 游泳联欢会
the youth championship | 青年锦标赛
[project]
a new stadium | 新体育场; a training ground | 训练场; an indoor pool | 室内游泳池; a running track | 跑道; a climbing wall | 攀岩墙
[aspect]
the training | 训练; the coach | 教练; the gym | 健身房; the second half | 下半场; the goalkeeper | 守门员; the stadium | 体育场
[score]
two to one | 二比一; three to two | 三比二; one to nothing | 一比零; four to four | 四比四; five to nothing | 五比零
[scene]
In {away} {hero} watched a match that ended {score}, and ate {meal} at half-time. | 在{away}，{hero}看了一场{score}结束的比赛，中场休息时吃了{meal}。
A football flew over {landmark} and landed right in front of {hero}. | 一个足球飞过{landmark}，正好落在{hero}面前。
After {duration} of play it stood {score}, and {hero} was {feeling_short}. | 比赛进行了{duration}，比分是{score}，{hero}{feeling_short}。
{hero} ran past {landmark} so fast that {hero.he} lost {hero.his} {belonging}. | {hero}飞快地跑过{landmark}，连{belonging}都丢了。
The team was short of a player, so {hero} took off {hero.his} {clothing} and played. | 球队缺一个人，于是{hero}脱下{clothing}上了场。
A trainer near {landmark} showed {hero} how to breathe properly for {duration}. | {landmark}附近的一位教练花了{duration}教{hero}如何正确呼吸。
""",
    "music": r"""
[subject]
jazz 爵士乐; old songs | 老歌; a famous pianist | 一位著名钢琴家; the latest opera | 最新的歌剧
[job]
violinist 小提琴手; singer 歌手; conductor 指挥; piano tuner | 钢琴调音师; composer 作曲家; drummer 鼓手; music teacher | 音乐老师
[hobby]
play/played/playing the cello | 拉大提琴; sing/sang/singing in a choir | 在合唱团唱歌; write/wrote/writing short songs | 写短歌
collect/collected/collecting old records | 收集旧唱片; practise/practised/practising scales | 练习音阶; listen/listened/listening to organ music | 听管风琴音乐
beat/beat/beating a big drum | 敲大鼓; repair/repaired/repairing old violins | 修理旧小提琴
[kind]
Records 唱片公司; Philharmonic 爱乐乐团; Opera 歌剧院; Studios 录音室; Choir 合唱团
[medium]
songbook 歌曲集; composer's biography | 作曲家传记; jazz novel | 爵士小说; history of the piano | 钢琴史
[goods]
guitar 吉他; violin 小提琴; record player | 唱片机; trumpet 小号; music stand | 乐谱架
[event]
the jazz festival | 爵士音乐节; the song contest | 歌唱比赛; the summer concert | 夏季音乐会; the opera premiere | 歌剧首演
the organ recital | 管风琴独奏会
[project]
a new concert hall | 新音乐厅; a music school | 音乐学校; an open-air stage | 露天舞台; a recording studio | 录音棚
a museum of instruments | 乐器博物馆
[aspect]
the orchestra | 乐队; the singer | 歌手; the sound | 音响; the choice of songs | 选曲; the second movement | 第二乐章; the hall | 大厅
[instrument]
trumpet 小号; harp 竖琴; piano 钢琴; flute 长笛; double bass | 低音提琴; mandolin 曼陀林
[scene]
In {away} {hero} heard somebody play the {instrument} and listened for {duration}. | 在{away}，{hero}听到有人演奏{instrument}，一听就是{duration}。
A busker near {landmark} lent {hero} a {instrument}, and soon people were dancing. | {landmark}附近的一位街头艺人把{instrument}借给了{hero}，不久人们就跳起舞来。
{hero} bought a second-hand {instrument} and carried it past {landmark}. | {hero}买了一件二手{instrument}，抱着它走过{landmark}。
The concert began late, and {hero} ate {meal} during the interval. | 音乐会开始得很晚，{hero}在幕间休息时吃了{meal}。
One string broke, but {hero} sang on, {feeling}. | 一根弦断了，但{hero}继续唱着，{feeling}。
For {duration} {hero} could not get a song about {smalltopic} out of {hero.his} head. | 整整{duration}，一首关于{smalltopic}的歌一直在{hero}脑海里回响。
""",
    "science": r"""
[subject]
distant planets | 遥远的行星; the age of the earth | 地球的年龄; a new vaccine | 一种新疫苗; artificial intelligence | 人工智能
[job]
chemist 化学家; astronomer 天文学家; engineer 工程师; botanist 植物学家; laboratory assistant | 实验室助理
mathematician 数学家; biologist 生物学家
[hobby]
watch/watched/watching the stars | 看星星; build/built/building small robots | 制作小机器人; collect/collected/collecting fossils | 收集化石
grow/grew/growing crystals | 培养晶体; observe/observed/observing ants | 观察蚂蚁; solve/solved/solving number puzzles | 解数字谜题
measure/measured/measuring the rainfall | 测量降雨量; press/pressed/pressing rare plants | 制作珍稀植物标本
[kind]
Labs 实验室; Observatory 天文台; Robotics 机器人公司; Botanics 植物研究所; Medicine 医学研究所
[medium]
popular science book | 科普书; physics textbook | 物理教科书; space novel | 太空小说; history of medicine | 医学史
[goods]
telescope 望远镜; microscope 显微镜; pocket calculator | 袖珍计算器; weather station | 气象仪; robot kit | 机器人套件
[event]
the science fair | 科学博览会; the robot contest | 机器人比赛; the night of the stars | 观星之夜; the chemistry congress | 化学大会
the open day of the laboratory | 实验室开放日
[project]
a new telescope | 新望远镜; a research centre | 研究中心; a planetarium | 天文馆; a laboratory for schools | 面向学校的实验室
a greenhouse for rare plants | 珍稀植物温室
[aspect]
the guided tour | 导览; the exhibition | 展览; the experiment | 实验; the lecture | 讲座; the laboratory | 实验室; the star show | 星空表演
[discovery]
a very old bone | 一块非常古老的骨头; an unknown beetle | 一只不知名的甲虫; a rare orchid | 一株珍稀兰花; a small meteorite | 一块小陨石
a blue crystal | 一块蓝色晶体; a strange radio signal | 一个奇怪的无线电信号
[scene]
In {away} {hero} found {discovery} and looked at it for {duration}. | 在{away}，{hero}发现了{discovery}，看了{duration}。
A professor near {landmark} showed {hero} {discovery}. | {landmark}附近的一位教授给{hero}看了{discovery}。
{hero} wrapped {discovery} in {hero.his} {clothing} so that nothing could happen to it. | {hero}用{clothing}把{discovery}包好，以免出什么意外。
An experiment went wrong, and for {duration} {landmark} smelled of eggs. | 一个实验出了差错，{landmark}一带有{duration}都是臭鸡蛋味。
{hero} drew {discovery} in a notebook, {feeling}. | {hero}把{discovery}画在笔记本上，{feeling}。
At first {hero} took it for {souvenir}, but it was {discovery}. | 起初{hero}以为那是{souvenir}，其实却是{discovery}。
""",
    "food": r"""
[subject]
fresh bread | 新鲜面包; mushrooms 蘑菇; the best cheese | 最好的奶酪; television chefs | 电视名厨
[job]
baker 面包师; cook 厨师; waiter 服务员; cheese maker | 奶酪师傅; beekeeper 养蜂人; confectioner 糕点师; butcher 肉铺老板
[hobby]
bake/baked/baking rye bread | 烤黑麦面包; pick/picked/picking mushrooms | 采蘑菇; cook/cooked/cooking spicy soups | 煮辣汤
make/made/making plum jam | 做李子酱; try/tried/trying new recipes | 尝试新菜谱; grow/grew/growing tomatoes | 种番茄
roast/roasted/roasting coffee beans | 烘焙咖啡豆; decorate/decorated/decorating cakes | 装饰蛋糕
[kind]
Bakery 面包店; Bistro 小酒馆; Kitchen 餐厅; Dairy 乳品厂; Chocolates 巧克力店
[medium]
cookbook 食谱; chef's memoir | 主厨回忆录; history of bread | 面包史; restaurant guide | 餐厅指南
[goods]
bread oven | 面包烤箱; coffee machine | 咖啡机; wedding cake | 婚礼蛋糕; copper pan | 铜锅; picnic basket | 野餐篮
[event]
the cheese market | 奶酪集市; the soup festival | 汤品节; the baking contest | 烘焙比赛; the harvest dinner | 丰收晚宴
the chocolate fair | 巧克力展
[project]
a new bakery | 新面包店; a cooking school | 烹饪学校; a market hall | 室内菜市场; a restaurant on a ship | 船上餐厅
a dairy museum | 乳品博物馆
[aspect]
the soup | 汤; the dessert | 甜点; the bread | 面包; the menu | 菜单; the coffee | 咖啡; the waiter | 服务员
[dish]
onion tart | 洋葱挞; pumpkin soup | 南瓜汤; plum dumplings | 李子饺子; lemon ice cream | 柠檬冰淇淋; pepper stew | 辣椒炖菜
smoked trout | 熏鳟鱼
[scene]
In {away} {hero} tasted {dish} for the first time and asked for the recipe. | 在{away}，{hero}第一次尝到{dish}，还要了菜谱。
A cook near {landmark} let {hero} stir the {dish} for {duration}. | {landmark}附近的一位厨师让{hero}搅拌了{duration}的{dish}。
{hero} burned {hero.his} tongue on the {dish} and drank three glasses of water. | {hero}吃{dish}烫了舌头，喝了三杯水。
All over {landmark} it smelled of {dish}, and {hero} was {feeling_short}. | {landmark}到处都是{dish}的香味，{hero}{feeling_short}。
Somebody had put salt into the {dish}, but {hero} ate it, {feeling}. | 有人在{dish}里放了盐，但{hero}还是吃了，{feeling}。
{hero} ordered {dish} and got {meal} instead. | {hero}点了{dish}，端上来的却是{meal}。
""",
    "travel": r"""
[subject]
faraway islands | 遥远的岛屿; night trains | 夜班火车; cheap flights | 便宜机票; lost luggage | 丢失的行李
[job]
pilot 飞行员; tour guide | 导游; ship's captain | 船长; train driver | 火车司机; hotel porter | 酒店行李员; map maker | 制图师
travel agent | 旅行社职员
[hobby]
walk/walked/walking through the mountains | 在山里徒步; collect/collected/collecting old maps | 收集旧地图
sleep/slept/sleeping in a tent | 睡帐篷; photograph/photographed/photographing lighthouses | 拍摄灯塔
sail/sailed/sailing along the coast | 沿着海岸航行; ride/rode/riding through the desert | 骑行穿越沙漠
study/studied/studying railway timetables | 研究火车时刻表; write/wrote/writing long postcards | 写长长的明信片
[kind]
Airlines 航空公司; Tours 旅行社; Railways 铁路公司; Hotel 酒店; Ferries 轮渡公司
[medium]
travel guide | 旅行指南; sea captain's journal | 船长航海日记; atlas 地图集; pilgrim's report | 朝圣记
[goods]
travelling trunk | 旅行箱; tent 帐篷; sleeping bag | 睡袋; rubber boat | 橡皮艇; globe 地球仪
[event]
the balloon festival | 热气球节; the tall ships parade | 帆船游行; the travel fair | 旅游展; the lantern walk | 灯笼游行
the opening of the mountain railway | 登山铁路通车典礼
[project]
a new airport | 新机场; a night train | 夜班火车线路; a youth hostel | 青年旅舍; a ferry line | 轮渡航线; a mountain hut | 山间小屋
[aspect]
the room | 房间; the view | 风景; the bed | 床; the journey | 旅途; the guide | 导游; the timetable | 时刻表
[lost]
passport 护照; ticket 车票; map 地图; room key | 房间钥匙; phrase book | 常用语手册; sunglasses case | 墨镜盒
[scene]
In {away} {hero} noticed that {hero.his} {lost} was missing and searched for {duration}. | 在{away}，{hero}发现{lost}不见了，找了{duration}。
A stranger found {hero}'s {lost} near {landmark} and brought it back. | 一个陌生人在{landmark}附近捡到了{hero}的{lost}，送了回来。
The guide talked for {duration} about {landmark}, until {hero} fell asleep. | 导游讲了{duration}的{landmark}，直到{hero}睡着。
Without {hero.his} {lost}, {hero} could not go on and slept near {landmark}. | 没有{lost}，{hero}没法继续走，就睡在了{landmark}附近。
The hotel had lost the booking, so {hero} got {meal} and a bed in the attic. | 酒店弄丢了预订，所以{hero}得到了{meal}和阁楼里的一张床。
{hero} took a picture of {landmark} and swapped the {lost} for {souvenir}. | {hero}给{landmark}拍了张照片，还用{lost}换了{souvenir}。
""",
    "business": r"""
[subject]
the price of gold | 黄金价格; taxes 税收; a new contract | 一份新合同; the stock market | 股市
[job]
bank clerk | 银行职员; accountant 会计; shop owner | 店主; car dealer | 汽车经销商; lawyer 律师; software developer | 软件开发员
secretary 秘书
[hobby]
invent/invented/inventing new machines | 发明新机器; trade/traded/trading old coins | 买卖古钱币; sell/sold/selling lemonade | 卖柠檬水
save/saved/saving small coins | 攒零钱; read/read/reading the share prices | 看股票行情; plan/planned/planning new shops | 筹划新店铺
repair/repaired/repairing typewriters | 修理打字机; bid/bid/bidding at auctions | 在拍卖会上竞拍
[kind]
Bank 银行; Motors 汽车公司; Software 软件公司; Insurance 保险公司; Trading 贸易公司
[medium]
business handbook | 商业手册; banker's memoir | 银行家回忆录; history of money | 货币史; crime story about a bank | 银行犯罪小说
[goods]
cash register | 收银机; desk lamp | 台灯; delivery van | 送货车; laptop 笔记本电脑; safe 保险箱
[event]
the trade fair | 贸易展; the great auction | 大型拍卖会; the annual meeting of the shareholders | 年度股东大会
the founders' conference | 创业者大会; the night of the banks | 银行之夜
[project]
a new factory | 新工厂; a shopping centre | 购物中心; an office tower | 办公大楼; a warehouse | 仓库; a savings scheme | 储蓄计划
[aspect]
the advice | 咨询; the contract | 合同; the manager | 经理; the counter | 柜台; the showroom | 展厅; the hotline | 热线
[deal]
a hundred shares | 一百股股票; a used van | 一辆二手货车; a small shop | 一家小店; a chest of old coins | 一箱旧钱币; a patent | 一项专利
six typewriters | 六台打字机
[scene]
In {away} {hero} was offered {deal} for {fee} and thought about it for {duration}. | 在{away}，有人出价{fee}卖{deal}给{hero}，{hero.he}考虑了{duration}。
A merchant near {landmark} sold {hero} {deal}. | {landmark}附近的一个商人把{deal}卖给了{hero}。
{hero} swapped {hero.his} {belonging} for {deal}, {feeling}. | {hero}用{belonging}换了{deal}，{feeling}。
The bill came to {fee}, and {hero} paid it with {deal}. | 账单是{fee}，{hero}用{deal}付了账。
All {hero} needed now was a signature, but the office near {landmark} was closed for {duration}. | {hero}现在只差一个签名，可{landmark}附近的办公室要关门{duration}。
{hero} signed a contract about {deal} without reading it, and was {feeling_short}. | {hero}看都没看就签了一份关于{deal}的合同，{feeling_short}。
""",
}
