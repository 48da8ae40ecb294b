using System.Text;

namespace OnCache.Lab.Rules;

/// <summary>One iptables table being written in the language of <c>iptables-restore</c>.</summary>
internal sealed class RuleTable(string name)
{
    private readonly StringBuilder chains = new();
    private readonly StringBuilder rules = new();

    public RuleTable BuiltIn(string chain, string policy)
    {
        chains.Append(':').Append(chain).Append(' ').Append(policy).Append(" [0:0]\n");
        return this;
    }

    public RuleTable Chain(params ReadOnlySpan<string> names)
    {
        foreach (var chain in names)
        {
            chains.Append(':').Append(chain).Append(" - [0:0]\n");
        }

        return this;
    }

    public RuleTable Append(string chain, string rule)
    {
        rules.Append("-A ").Append(chain).Append(' ').Append(rule).Append('\n');
        return this;
    }

    public RuleTable Line(string line)
    {
        rules.Append(line).Append('\n');
        return this;
    }

    public override string ToString() => $"*{name}\n{chains}{rules}COMMIT\n";
}
