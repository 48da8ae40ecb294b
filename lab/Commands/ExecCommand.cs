using System.CommandLine;
using OnCache.Lab.Overlay;

namespace OnCache.Lab.Commands;

internal static class ExecCommand
{
    public static Command Create()
    {
        var name = LabArguments.Name();
        var member = new Argument<string>("member") { Description = "A node or pod, e.g. n1 or n1p1" };
        var words = new Argument<string[]>("command") { Description = "The command, after --", Arity = ArgumentArity.OneOrMore };
        var command = new Command("exec", "Run a command inside a node or pod; its exit status passes through") { name, member, words };
        command.SetAction(parsed =>
        {
            OverlayLab.RequireRoot();
            var lab = OverlayLab.Load(parsed.GetValue(name)!);
            return lab.Member(parsed.GetValue(member)!).Become(parsed.GetValue(words)!);
        });
        return command;
    }
}
