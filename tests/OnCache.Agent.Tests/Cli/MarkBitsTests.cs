using OnCache.Agent.Cli;

namespace OnCache.Agent.Tests.Cli;

public sealed class MarkBitsTests
{
    [Fact]
    public void The_default_bit_is_nobodys() => MarkBits.KnownUser(MarkBits.Default).ShouldBeNull();

    [Theory]
    [InlineData(14, "kube-proxy")]
    [InlineData(15, "kube-proxy")]
    [InlineData(16, "Calico")]
    [InlineData(31, "Calico")]
    [InlineData(9, "Cilium")]
    public void Bits_of_well_known_programs_are_named(int bit, string user) => MarkBits.KnownUser(bit).ShouldNotBeNull().ShouldStartWith(user);
}
