using System.CommandLine;
using OnCache.Lab.Overlay;

namespace OnCache.Lab.Commands;

internal static class DownCommand
{
    public static Command Create()
    {
        var name = LabArguments.Name();
        var command = new Command("down", "Take a lab down, in whatever state it is, and leave nothing of it") { name };
        command.SetAction((parsed, cancellationToken) => OverlayLab.DownAsync(parsed.GetValue(name)!, cancellationToken));
        return command;
    }
}
