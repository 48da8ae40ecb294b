using OnCache.Agent.Rules;

namespace OnCache.Agent.Tests.Rules;

/// <summary>Single rules, written by the real programs and read back: what of them a cached verdict carries.</summary>
public sealed class RuleWalkTests
{
    private const string Table = "nft add table ip t\nnft add chain ip t f { type filter hook forward priority 0; }\n";

    [Theory]
    [InlineData("iptables -A FORWARD -j DROP")]
    [InlineData("iptables -A FORWARD -s 10.244.2.0/24 -p tcp --dport 80 -j ACCEPT")]
    [InlineData("iptables -A FORWARD -m conntrack --ctstate NEW -m limit --limit 5/min -j ACCEPT", "ShortConnections: limit")]
    [InlineData("iptables -A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\niptables -A FORWARD -m limit --limit 3/min -j LOG", "ShortConnections: limit", "ShortConnections: log")]
    [InlineData("iptables -A FORWARD -m limit --limit 50/sec -j ACCEPT", "Flows: limit", "ShortConnections: limit")]
    [InlineData("iptables -A FORWARD -m hashlimit --hashlimit-above 50/sec --hashlimit-name x -j DROP", "Flows: limit", "ShortConnections: limit")]
    [InlineData("iptables -A FORWARD -p tcp -m connlimit --connlimit-above 10 -j REJECT", "ShortConnections: counts connections")]
    [InlineData("iptables -A FORWARD -m connbytes --connbytes 1000: --connbytes-dir both --connbytes-mode bytes -j DROP", "Flows: counts a connection's bytes", "ShortConnections: counts a connection's bytes")]
    [InlineData("iptables -A FORWARD -m quota --quota 1000 -j ACCEPT", "Flows: quota", "ShortConnections: quota")]
    [InlineData("iptables -A FORWARD -m statistic --mode random --probability 0.1 -j DROP", "Flows: statistic: one packet is not like the next", "ShortConnections: statistic: one packet is not like the next")]
    [InlineData("iptables -A FORWARD -m recent --name x --update --seconds 60 -j DROP", "Flows: set that packets fill", "ShortConnections: set that packets fill")]
    [InlineData("iptables -A FORWARD -m time --timestart 08:00 --timestop 17:00 -j DROP", "Flows: time of day", "ShortConnections: time of day")]
    [InlineData("iptables -A FORWARD -m string --algo bm --string secret -j DROP", "Flows: asks for the packet's content", "ShortConnections: asks for the packet's content")]
    [InlineData("iptables -A FORWARD -m u32 --u32 '0&0xFF=0:10' -j DROP", "Flows: asks for the packet's content", "ShortConnections: asks for the packet's content")]
    [InlineData("iptables -A FORWARD -m length --length 1000:1500 -j DROP", "Flows: length", "ShortConnections: length")]
    [InlineData("iptables -A FORWARD -p tcp --tcp-flags SYN,RST SYN -j TCPMSS --set-mss 1200", "ShortConnections: MSS clamping")]
    [InlineData("iptables -A FORWARD -p tcp --tcp-flags ALL NONE -j DROP")]
    [InlineData("iptables -A FORWARD -p tcp ! --syn -m conntrack --ctstate NEW -j DROP", "ShortConnections: TCP flags")]
    [InlineData("iptables -A FORWARD -p tcp --syn -m conntrack --ctstate NEW -j ACCEPT", "ShortConnections: TCP flags")]
    [InlineData("iptables -A FORWARD -p tcp ! --syn -d 8.8.8.8 -m conntrack --ctstate NEW -j DROP")]
    [InlineData("iptables -A FORWARD -p tcp -m conntrack --ctstate NEW -m tcpmss ! --mss 536:65535 -j DROP", "ShortConnections: asks for a SYN's option")]
    [InlineData(Table + "nft add rule ip t f tcp flags & (fin|syn|rst|ack) != syn ct state new drop", "ShortConnections: TCP flags")]
    [InlineData(Table + "nft add rule ip t f ct state new tcp flags vmap { syn : accept, ack : drop }", "ShortConnections: TCP flags")]
    [InlineData("iptables -A FORWARD -p tcp --tcp-flags RST RST -j DROP", "Flows: TCP flags")]
    [InlineData("iptables -t mangle -A POSTROUTING -j DSCP --set-dscp 46", "Flows: rewrites the packet", "ShortConnections: rewrites the packet")]
    [InlineData("iptables -t mangle -A FORWARD -j TTL --ttl-set 12", "Flows: rewrites the packet", "ShortConnections: rewrites the packet")]
    [InlineData("iptables -t mangle -A POSTROUTING -j CLASSIFY --set-class 1:1", "Flows: classifies packets", "ShortConnections: classifies packets")]
    [InlineData("iptables -t mangle -A FORWARD -j MARK --set-mark 7")]
    [InlineData("iptables -A FORWARD -j NFLOG", "Flows: log", "ShortConnections: log")]
    [InlineData("iptables -t mangle -A PREROUTING -j TEE --gateway 10.0.0.1", "Flows: copies or diverts packets", "ShortConnections: copies or diverts packets")]
    [InlineData("iptables -t raw -A PREROUTING -j TRACE", "Flows: trace", "ShortConnections: trace")]
    [InlineData("iptables -t nat -A PREROUTING -d 10.244.2.9 -p tcp -m statistic --mode random --probability 0.5 -j DNAT --to-destination 10.244.2.10", "ShortConnections: statistic: one packet is not like the next")]
    [InlineData("iptables -A INPUT -p udp --dport 8472 -m limit --limit 10/sec -j ACCEPT", "Flows: limit")]
    [InlineData("iptables -A INPUT -p udp --dport 8472 -j ACCEPT\niptables -A INPUT -m limit --limit 10/sec -j LOG")]
    [InlineData("iptables -A INPUT -p tcp --dport 22 -m hashlimit --hashlimit-above 5/min --hashlimit-name ssh -j DROP")]
    [InlineData("iptables -A OUTPUT -j NFLOG", "Flows: log")]
    [InlineData("iptables -A FORWARD -i docker0 -m limit --limit 5/sec -j ACCEPT")]
    [InlineData("iptables -A FORWARD -i cni0 -o flannel.1 -m limit --limit 5/sec -j ACCEPT", "Flows: limit", "ShortConnections: limit")]
    [InlineData("iptables -A FORWARD -o veth+ -m limit --limit 5/sec -j ACCEPT", "Flows: limit", "ShortConnections: limit")]
    [InlineData("iptables -A FORWARD -o eth0 -m limit --limit 5/sec -j ACCEPT")]
    [InlineData("iptables -A FORWARD -d 8.8.8.8 -m limit --limit 5/sec -j ACCEPT")]
    [InlineData("iptables -A FORWARD -p sctp -m limit --limit 5/sec -j ACCEPT")]
    [InlineData("iptables -A FORWARD -m addrtype --dst-type LOCAL -m limit --limit 5/sec -j ACCEPT")]
    [InlineData(Table + "nft add rule ip t f limit rate over 50/second drop", "Flows: limit", "ShortConnections: limit")]
    [InlineData(Table + "nft add rule ip t f ip daddr 10.244.2.0/24 udp dport { 53, 5353 } counter accept")]
    [InlineData(Table + "nft add rule ip t f ip dscp set af11", "Flows: rewrites the packet", "ShortConnections: rewrites the packet")]
    [InlineData(Table + "nft add rule ip t f ct count over 10 reject", "ShortConnections: counts connections")]
    [InlineData(Table + "nft add rule ip t f tcp flags syn tcp option maxseg size set 1200", "ShortConnections: MSS clamping")]
    [InlineData(Table + "nft add rule ip t f quota over 10 mbytes drop", "Flows: quota", "ShortConnections: quota")]
    [InlineData(Table + "nft add rule ip t f numgen random mod 10 0 drop", "Flows: statistic: one packet is not like the next", "ShortConnections: statistic: one packet is not like the next")]
    [InlineData(Table + "nft add rule ip t f meta length 1000-1500 drop", "Flows: meta length", "ShortConnections: meta length")]
    [InlineData(Table + "nft add rule ip t f meta hour 08:00-17:00 drop", "Flows: time of day", "ShortConnections: time of day")]
    [InlineData(Table + "nft add rule ip t f meta nftrace set 1", "Flows: trace", "ShortConnections: trace")]
    [InlineData(Table + "nft add rule ip t f log", "Flows: log", "ShortConnections: log")]
    [InlineData(Table + "nft add rule ip t f ct state vmap { established : accept, related : accept }\nnft add rule ip t f limit rate 1/second log", "ShortConnections: limit", "ShortConnections: log")]
    [InlineData(Table + "nft add set ip t s { type ipv4_addr; flags timeout; }\nnft add rule ip t f ip saddr @s drop")]
    [InlineData(Table + "nft add set ip t s { type ipv4_addr; flags timeout; }\nnft add rule ip t f ip saddr @s accept", "Flows: set whose elements come or go unheard", "ShortConnections: set whose elements come or go unheard")]
    [InlineData(Table + "nft add set ip t s { type ipv4_addr; flags dynamic; size 100; }\nnft add rule ip t f add @s { ip saddr limit rate over 5/second } drop", "Flows: set that packets fill", "ShortConnections: set that packets fill")]
    [InlineData("nft add table bridge b\nnft add chain bridge b p { type filter hook prerouting priority 0; }\nnft add rule bridge b p limit rate over 5/second drop", "Flows: limit", "ShortConnections: limit")]
    [InlineData("nft add table bridge b\nnft add chain bridge b p { type filter hook forward priority 0; }\nnft add rule bridge b p limit rate over 5/second drop")]
    [InlineData("nft add table inet d { flags dormant; }\nnft add chain inet d f { type filter hook forward priority 0; }\nnft add rule inet d f limit rate 5/second drop")]
    [InlineData("nft add table ip6 t\nnft add chain ip6 t f { type filter hook forward priority 0; }\nnft add rule ip6 t f limit rate 5/second drop")]
    [InlineData("nft add table arp t\nnft add chain arp t f { type filter hook input priority 0; }\nnft add rule arp t f limit rate 5/second drop")]
    [InlineData(Table + "nft add rule ip t f ip dscp vmap { cs1 : drop, cs2 : accept }", "Flows: ip dscp", "ShortConnections: ip dscp")]
    [InlineData(Table + "nft add rule ip t f meta length vmap { 1000-1500 : drop }", "Flows: meta length", "ShortConnections: meta length")]
    [InlineData(Table + "nft add rule ip t f tcp flags vmap { rst : drop, ack : accept }", "Flows: TCP flags", "ShortConnections: TCP flags")]
    [InlineData(Table + "nft add rule ip t f tcp sport vmap { 1000-2000 : drop }", "ShortConnections: source port")]
    [InlineData(Table + "nft add rule ip t f tcp dport vmap { 1000-2000 : drop, 22 : accept }")]
    [InlineData("ip link add veth1234abcd type veth peer name c\nnft add table netdev n\nnft add chain netdev n e { type filter hook egress device \"veth1234abcd\" priority 0; }\nnft add rule netdev n e oifname \"veth1234abcd\" limit rate over 5/second drop", "Flows: limit", "ShortConnections: limit")]
    [InlineData("ip link add veth1234abcd type veth peer name c\nnft add table netdev n\nnft add chain netdev n e { type filter hook ingress device \"veth1234abcd\" priority 0; }\nnft add rule netdev n e iifname \"veth1234abcd\" limit rate over 5/second drop", "Flows: limit", "ShortConnections: limit")]
    [InlineData("iptables -t mangle -A POSTROUTING -p udp --dport 8472 -m limit --limit 5/sec -j ACCEPT", "Flows: limit")]
    // What is noted of a packet, by what differs from packet to packet.
    [InlineData(Table + "nft add rule ip t f ip dscp cs1 meta mark set 7", "Flows: ip dscp", "ShortConnections: ip dscp")]
    [InlineData(Table + "nft add rule ip t f meta mark set ip dscp map { cs1 : 1, cs2 : 2 }", "Flows: ip dscp", "ShortConnections: ip dscp")]
    [InlineData(Table + "nft add rule ip t f meta length 1000-1500 counter")]
    [InlineData("iptables -t mangle -A PREROUTING -m length --length 1000:1500 -j MARK --set-mark 7", "Flows: length", "ShortConnections: length")]
    [InlineData(Table + "nft add ct timeout ip t short { protocol udp; l3proto ip; policy = { unreplied : 2, replied : 3 }; }\nnft add rule ip t f udp dport 7777 ct timeout set \"short\"", "Flows: timeout of its own")]
    [InlineData("iptables -t raw -A PREROUTING -m dscp --dscp 8 -j NOTRACK", "Flows: dscp", "ShortConnections: dscp")]
    // Elements of sets.
    [InlineData(Table + "nft add set ip t s { type ipv4_addr; flags interval; }\nnft add element ip t s { 10.0.0.0-255.255.255.255 }\nnft add rule ip t f ip daddr @s limit rate 5/second accept", "Flows: limit", "ShortConnections: limit")]
    [InlineData(Table + "nft add set ip t s { type ipv4_addr; flags interval; elements = { 0.0.0.0-255.255.255.255 } }\nnft add rule ip t f ip daddr @s limit rate 5/second accept", "Flows: limit", "ShortConnections: limit")]
    [InlineData(Table + "nft add set ip t s { type ipv4_addr; elements = { 8.8.8.8, * } }\nnft add rule ip t f ip daddr @s limit rate 5/second accept", "Flows: limit", "ShortConnections: limit")]
    [InlineData(Table + "nft add rule ip t f ip daddr vmap { 8.8.8.8 : drop, * : accept }\nnft add rule ip t f log")]
    [InlineData(Table + "nft add rule ip t f ip daddr vmap { 8.8.8.8 : accept, 10.0.0.0/8 : drop }\nnft add rule ip t f ip daddr 10.244.2.0/24 log")]
    [InlineData(Table + "nft add set ip t s { type ipv4_addr; limit rate 10/second; elements = { 10.244.2.9 } }\nnft add rule ip t f ip daddr @s drop", "Flows: limit", "ShortConnections: limit")]
    [InlineData(Table + "nft add set ip t s { type ipv4_addr; limit rate 10/second; elements = { 8.8.8.8 } }\nnft add rule ip t f ip daddr @s drop")]
    [InlineData(Table + "nft add set ip t s { type ipv4_addr; flags timeout; limit rate 10/second; }\nnft add rule ip t f ip daddr @s drop", "Flows: limit", "ShortConnections: limit")]
    [InlineData(Table + "nft add set ip t s { type ipv4_addr . inet_service; quota over 1 mbytes; }\nnft add rule ip t f ip daddr . tcp dport @s drop", "Flows: quota", "ShortConnections: quota")]
    [InlineData(Table + "nft add map ip t m { type ipv4_addr : verdict; limit rate 10/second; elements = { 10.244.2.9 : drop } }\nnft add rule ip t f ip daddr vmap @m", "Flows: limit", "ShortConnections: limit")]
    [InlineData(Table + "nft add set ip t s { type ipv4_addr; counter; elements = { 10.244.2.9 } }\nnft add rule ip t f ip daddr @s drop")]
    // Sets that packets fill, whether the set says so or not.
    [InlineData(Table + "nft add set ip t s { type ipv4_addr; flags dynamic, timeout; timeout 1h; }\nnft add rule ip t f ip saddr @s drop", "Flows: set whose elements come or go unheard", "ShortConnections: set whose elements come or go unheard")]
    [InlineData(Table + "nft add set ip t s { type ipv4_addr; flags timeout; timeout 1h; }\nnft add chain ip t in { type filter hook input priority 0; }\nnft add rule ip t in tcp dport 22 add @s { ip saddr }\nnft add rule ip t f ip saddr @s drop", "Flows: set whose elements come or go unheard", "ShortConnections: set whose elements come or go unheard")]
    // The source port of the next connection of a pair.
    [InlineData("iptables -A FORWARD -p tcp -m multiport --ports 80,443 -j DROP", "ShortConnections: source port")]
    [InlineData("iptables -A FORWARD -p tcp -m multiport --dports 80,443 -j DROP")]
    [InlineData("iptables -A FORWARD -m conntrack --ctproto tcp --ctorigsrcport 1000:2000 -j DROP", "ShortConnections: source port")]
    [InlineData("iptables -A FORWARD -m conntrack --ctproto tcp --ctorigdstport 1000:2000 -j DROP")]
    [InlineData(Table + "nft add rule ip t f tcp sport & 1 == 1 drop", "ShortConnections: source port")]
    [InlineData(Table + "nft add rule ip t f symhash mod 2 0 drop", "ShortConnections: source port")]
    [InlineData(Table + "nft add rule ip t f meta l4proto tcp jhash ip saddr . tcp sport mod 2 0 drop", "ShortConnections: source port")]
    [InlineData(Table + "nft add rule ip t f jhash ip saddr . ip daddr mod 2 0 drop")]
    [InlineData(Table + "nft add rule ip t f meta l4proto tcp ct original proto-src 1000-2000 drop", "ShortConnections: source port")]
    [InlineData(Table + "nft add rule ip t f meta l4proto tcp ct original proto-dst 1000-2000 drop")]
    [InlineData(Table + "nft add set ip t s { type ipv4_addr . inet_service; }\nnft add rule ip t f ip saddr . tcp sport @s drop", "ShortConnections: source port")]
    [InlineData(Table + "nft add set ip t s { type ipv4_addr . inet_service; }\nnft add rule ip t f ip saddr . tcp dport @s drop")]
    [InlineData("nft add table ip n\nnft add chain ip n p { type nat hook prerouting priority -100; }\nnft add rule ip n p ip daddr 10.244.2.9 meta l4proto tcp dnat to jhash ip saddr . tcp sport mod 2 map { 0 : 10.244.2.10, 1 : 10.244.2.11 }", "ShortConnections: source port")]
    // What is asked, is asked of more or fewer packets than it looks.
    [InlineData("iptables -N mine\niptables -A FORWARD -p udp --sport 1:79 --dport 80 -j mine\niptables -A mine -p udp -m multiport ! --ports 80 -j ACCEPT\niptables -A mine -j NFLOG", "Flows: log")]
    [InlineData("iptables -N one\niptables -N other\niptables -A one -j RETURN\niptables -A other -g one\niptables -A other -j ACCEPT\niptables -A FORWARD -j other\niptables -A FORWARD -j NFLOG", "Flows: log", "ShortConnections: log")]
    [InlineData(Table + "nft add rule ip t f ip daddr & 255.255.255.0 == 10.244.2.1 accept\nnft add rule ip t f ip daddr 10.244.2.0/24 log", "Flows: log", "ShortConnections: log")]
    [InlineData(Table + "nft add chain ip t c\nnft add rule ip t f meta l4proto icmp jump c\nnft add rule ip t c th dport 22 log", "Flows: log")]
    [InlineData(Table + "nft add chain ip t c\nnft add rule ip t f meta l4proto { tcp, udp } jump c\nnft add rule ip t c th dport 22 accept\nnft add rule ip t c th dport 22 log")]
    [InlineData("ipset create c hash:ip counters\niptables -A FORWARD -m set --match-set c src --bytes-gt 100 -j DROP", "Flows: counts packets", "ShortConnections: counts packets")]
    [InlineData("ipset create c hash:ip counters\niptables -A FORWARD -m set --match-set c src -j DROP")]
    [InlineData("iptables -t raw -A PREROUTING -p tcp --syn -m hashlimit --hashlimit-above 50/sec --hashlimit-name x -j DROP", "ShortConnections: TCP flags", "ShortConnections: limit")]
    [InlineData(Table + "nft add rule ip t f iifname { docker0, virbr0, lo } limit rate 5/second accept")]
    [InlineData(Table + "nft add rule ip t f iifname { docker0, \"cni*\" } limit rate 5/second accept", "Flows: limit", "ShortConnections: limit")]
    [InlineData(Table + "nft add rule ip t f iifname != { cni0, flannel.1 } limit rate 5/second accept", "Flows: limit", "ShortConnections: limit")]
    public void What_is_kept_off_the_fast_path(string commands, params string[] kept)
    {
        using var rules = NodeRules.Create();

        NodeRules.Kept(rules.With(commands).View()).ShouldBe(kept);

        if (commands.Contains("iptables ", StringComparison.Ordinal))
        {
            using var legacy = NodeRules.Create();
            NodeRules.Kept(legacy.With(commands.Replace("iptables ", "iptables-legacy ", StringComparison.Ordinal)).View()).ShouldBe(kept, "the same by legacy iptables");
        }
    }

    /// <summary>A rule that sets something by what differs from packet to packet says both: later rules may ask for what it set.</summary>
    [Theory]
    [InlineData("nft add rule ip t f meta mark set ip dscp map { 1 : 2, 3 : 4 }", "ip dscp")]
    [InlineData("nft add rule ip t f ct mark set ip dscp map { 1 : 2, 3 : 4 }", "ip dscp")]
    [InlineData("nft add rule ip t f meta mark set meta mark | 7", null)]
    [InlineData("iptables -t mangle -A FORWARD -m length --length 1000: -j MARK --set-mark 7", "length")]
    public void What_a_mark_is_made_of_is_asked(string command, string? varying)
    {
        using var rules = NodeRules.Create();

        var rule = rules.With(Table + command).Read().Values.SelectMany(static table => table.Chains.Values).SelectMany(static chain => chain.Rules).ShouldHaveSingleItem();

        rule.Terms.OfType<NoteTerm>().ShouldHaveSingleItem();
        rule.Terms.OfType<VaryingTerm>().FirstOrDefault()?.What.ShouldBe(varying);
        rule.Terms.OfType<VaryingTerm>().Any().ShouldBe(varying is not null);
    }

    [Theory]
    [InlineData("nft add rule ip t f meta mark set symhash mod 2")]
    [InlineData("nft add rule ip t f meta l4proto tcp meta mark set jhash ip saddr . tcp sport mod 2")]
    public void A_mark_that_is_made_of_the_source_port_says_so(string command)
    {
        using var rules = NodeRules.Create();

        var rule = rules.With(Table + command).Read()["ip t"].Chains["f"].Rules.ShouldHaveSingleItem();

        rule.Terms.ShouldContain(static term => term.AsksSourcePort);
        rule.Terms.OfType<NoteTerm>().ShouldHaveSingleItem();
    }

    [Fact]
    public void Thousands_of_keys_of_a_map_that_lead_to_the_same_are_one()
    {
        const int Many = 20_000;
        using var rules = NodeRules.Create().With(Table + "nft add map ip t m { type ipv4_addr : verdict; }\nnft add rule ip t f ip daddr vmap @m");
        _ = rules.Space.Do("nft", "-f -", $"add element ip t m {{ {string.Join(", ", Enumerable.Range(0, Many).Select(static i => $"10.{i / 62_500}.{i / 250 % 250}.{i % 250} : {(i % 2 == 0 ? "drop" : "accept")}"))} }}\n");

        var rule = rules.Read()["ip t"].Chains["f"].Rules.ShouldHaveSingleItem();

        rule.Verdict.Entries.Select(static entry => entry.Verdict.Kind).ShouldBe([VerdictKind.Drop, VerdictKind.Accept]);
        rule.Verdict.Entries.Sum(static entry => entry.Terms.OfType<FieldTerm>().Single().Values.Intervals.Length).ShouldBe(Many);
        // As many ranges again and again, one less each time, would be gigabytes.
        var before = GC.GetAllocatedBytesForCurrentThread();
        rules.View().Regions.ShouldBeEmpty();
        (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBeLessThan(100L * 1024 * 1024);
    }

    [Fact]
    public void A_name_or_comment_moves_no_cursor()
    {
        const string Hidden = "a\u001b[2J\u202eb\nc";
        const string Shown = "a\uFFFD[2J\uFFFDb\uFFFDc";
        var comment = XtDecoder.Match("comment", 0, System.Text.Encoding.UTF8.GetBytes(Hidden + "\0"));

        new HostRule(comment.Text, comment.Terms, RuleVerdict.Drop) { Fingerprint = 1 }.Text.ShouldBe($"-m comment --comment \"{Shown}\"");
        new HostChain(Hidden, []).Where.ShouldBe(Shown);
        var region = new RuleRegion(new PacketClass(), RegionReach.Flows, Hidden, Hidden, "limit");
        (region.Rule, region.Where).ShouldBe((Shown, Shown));
    }

    [Fact]
    public void A_region_is_as_narrow_as_its_rule()
    {
        using var rules = NodeRules.Create();
        var view = rules.With("iptables -A FORWARD -s 10.244.1.5 -d 10.244.2.7 -p udp --dport 5000:6000 -m limit --limit 5/sec -j ACCEPT").View();

        var plan = RegionPlan.Of(view.Regions, [NodeRules.Pod, NodeRules.Routed], NodeRules.Peers);

        var impact = plan.Impacts.ShouldHaveSingleItem();
        impact.Pods.ShouldBe([NodeRules.Pod]);
        impact.Region.Where.ShouldBe("table ip filter, chain FORWARD");
        impact.Region.Rule.ShouldContain("10.244.2.7");
        var entry = plan.Entries.ShouldHaveSingleItem();
        (entry.LocalMin, entry.LocalMax).ShouldBe((NodeRules.Pod.Address.Value, NodeRules.Pod.Address.Value));
        (entry.RemotePortMin, entry.RemotePortMax, entry.Protocol).ShouldBe(((ushort)5000, (ushort)6000, (byte)17));
        (entry.LocalPortMin, entry.LocalPortMax).ShouldBe(((ushort)0, ushort.MaxValue));
    }

    /// <summary>Legacy iptables knows no end to nesting; what is not followed must not pass for nothing.</summary>
    [Fact]
    public void A_rule_that_is_nested_deeper_than_is_followed_keeps_all_off_the_fast_path()
    {
        const int Deep = 20;
        using var rules = NodeRules.Create().With(string.Join('\n', Enumerable.Range(0, Deep).Select(static i => $"iptables-legacy -N c{i}")));
        _ = rules.With(string.Join('\n', Enumerable.Range(1, Deep - 1).Select(static i => $"iptables-legacy -A c{i - 1} -j c{i}")));
        _ = rules.With($"iptables-legacy -A c{Deep - 1} -m limit --limit 5/sec -j ACCEPT\niptables-legacy -A FORWARD -j c0");

        NodeRules.Kept(rules.View()).ShouldBe(["Flows: rules that are not read", "ShortConnections: rules that are not read"]);
    }

    /// <summary>What the tunnel sends is noted as having come in by it.</summary>
    [Fact]
    public void Outer_packets_come_out_of_the_tunnel_in_postrouting()
    {
        using var rules = NodeRules.Create();

        NodeRules.Kept(rules.With("iptables -t mangle -A POSTROUTING -o eth0 -p udp --dport 8472 -m limit --limit 5/sec -j ACCEPT").View()).ShouldBe(["Flows: limit"]);
        NodeRules.Kept(rules.With("nft flush ruleset\nnft add table ip t\nnft add chain ip t p { type filter hook postrouting priority 0; }\nnft add rule ip t p iifname flannel.1 oifname eth0 limit rate over 5/second drop").View()).ShouldBe(["Flows: limit"]);
    }

    [Fact]
    public void A_rule_in_a_chain_that_is_jumped_to_is_as_narrow_as_the_way_to_it()
    {
        using var rules = NodeRules.Create();
        var view = rules.With(
            """
            iptables -N mine
            iptables -A FORWARD -p tcp --dport 443 -j mine
            iptables -A mine -d 10.244.2.0/25 -j NFLOG
            """).View();

        var flows = RegionPlan.Of(view.Regions, [NodeRules.Pod], NodeRules.Peers).Entries.Where(static entry => entry.Scope == Agent.Bpf.RegionScope.Flows);

        flows.ShouldHaveSingleItem().RemotePortMin.ShouldBe((ushort)443);
    }

    [Fact]
    public void More_regions_than_the_programs_can_be_told_become_one_that_covers_them()
    {
        using var rules = NodeRules.Create();
        var view = rules.With(string.Join('\n', Enumerable.Range(0, 300).Select(static i => $"nft add rule ip t f ip daddr 10.244.2.{i % 250} udp dport {1000 + i} limit rate 5/second accept").Prepend(Table))).View();

        var plan = RegionPlan.Of(view.Regions, [NodeRules.Pod], NodeRules.Peers);

        plan.Impacts.Length.ShouldBe(300);
        plan.Entries.Length.ShouldBeLessThanOrEqualTo(Agent.Bpf.Layout.HostRegions);
        plan.Entries.ShouldContain(static entry => entry.RemotePortMin <= 1000 && entry.RemotePortMax >= 1299);
    }
}
