using OnCache.Agent.Net.Netfilter;

namespace OnCache.Agent.Tests.Net;

public sealed class LegacyXtablesTests
{
    [Fact]
    public void A_kernel_without_legacy_iptables_has_no_tables()
    {
        using var folder = new TemporaryFolder();
        using var tables = new LegacyXtables(folder.Path("ip_tables_names"));

        tables.Names().ShouldBeEmpty();
    }

    [Fact]
    public void Where_tables_cannot_be_listed_there_is_one_that_is_not_read()
    {
        using var folder = new TemporaryFolder();
        using var tables = new LegacyXtables(folder.Path());

        var name = tables.Names().ShouldHaveSingleItem();

        tables.Read(name, out _, out var entries).ShouldNotBeNull();
        entries.IsEmpty.ShouldBeTrue();
    }
}
